// The small editor of a note, beside its pin; on a phone at the bottom of the screen.

import { make } from '../../../../ui/web/shared/elements.js';
import { emit, on } from '../../../../ui/web/shared/events.js';
import { clamp } from '../../../../ui/web/shared/values.js';
import { addNote, numberOf, removeNote } from './notes.js';
import { about, announce, find, frameHere, listen, sizeOf, state, update } from './page.js';
import { pause } from './player.js';
import { MAX_NOTES, review } from './saved.js';
import { objectAt, picture, view, viewport } from './viewport.js';

const BESIDE = 22;
const MARGIN = 8; // CSS pixels: between pin and editor, between editor and the stage's edge

const editor = find('editor');
const editorText = find('editor-text');
const editorObject = find('editor-object');
let editing = null; // the note that is edited, or null for a new one

export function pinAt([x, y], object = objectAt([x, y])) {
  const { width, height } = sizeOf(state.shown?.frame ?? frameHere());
  if (!state.shown || x < 0 || y < 0 || x > width || y > height) return closeEditor();
  if (state.shown.frame !== frameHere()) return; // the next frame is on its way
  if (review.notes.length >= MAX_NOTES) return announce(`${MAX_NOTES} notes are the limit.`);
  pause();
  closeEditor();
  const fine = value => Math.round(value * 10) / 10; // tenths of a pixel are enough
  update({ draft: { frame: frameHere(), x: fine(x), y: fine(y), pin: make('span', 'pin draft') } });
  state.draft.pin.append(make('span', '', '+'));
  openEditor(null, { text: '', object });
}

// Without a mouse: in the middle of what is in sight.
export function pinInTheMiddle() {
  const middle = [viewport.clientWidth / 2 - view.x, viewport.clientHeight / 2 - view.y].map(side => side / view.scale);
  pinAt(middle);
}

export function editNote(note) {
  pause();
  update({ draft: null });
  update({ chosen: note });
  openEditor(note, note);
  emit('chosen');
}

function openEditor(note, { text, object }) {
  editing = note;
  find('editor-title').textContent = note ? `Note ${numberOf(note)}` : 'New note';
  find('editor-delete').disabled = !note;
  editorText.value = text;
  editorObject.value = object ?? '';
  find('about-object').hidden = !about.objects.length;
  find('tip').hidden = true;
  editor.hidden = false;
  emit('pins');
  editorText.focus({ preventScroll: true });
}

export function closeEditor() {
  if (editor.hidden) return;
  const focused = editor.contains(document.activeElement);
  update({ draft: null });
  editing = null;
  editor.hidden = true;
  emit('pins');
  if (focused) picture.focus({ preventScroll: true });
}

function saveNote() {
  const text = editorText.value.trim();
  const object = Number(editorObject.value) || undefined;
  if (!text) return editorText.focus();
  if (editing) {
    Object.assign(editing, { text, object });
    emit('notes');
  } else
    addNote({
      frame: state.draft.frame,
      x: state.draft.x,
      y: state.draft.y,
      text,
      object,
      at: new Date().toISOString(),
    });
  announce(`Note ${numberOf(state.chosen)} is saved`);
  closeEditor();
}

// To the right of the pin, or where that has no room to the left of it.
export function placeEditor() {
  const about = state.draft ?? editing;
  if (!about || editor.hidden) return;
  const { offsetWidth: wide, offsetHeight: high } = editor;
  const { clientWidth, clientHeight } = viewport;
  const x = view.x + about.x * view.scale;
  const y = view.y + about.y * view.scale;
  const right = x + BESIDE + wide + MARGIN <= clientWidth ? x + BESIDE : x - BESIDE - wide;
  const left = clamp(right, MARGIN, Math.max(MARGIN, clientWidth - wide - MARGIN));
  const top = clamp(y - high / 2, MARGIN, Math.max(MARGIN, clientHeight - high - MARGIN));
  editor.style.transform = `translate(${left}px, ${top}px)`;
}

export function setUpNoteEditor() {
  editorObject.append(
    new Option('the picture as a whole', ''),
    ...about.objects.map(({ id, name }) => new Option(name, id)),
  );
  listen(editor, 'submit', event => {
    event.preventDefault();
    saveNote();
  });
  listen(editor, 'keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) saveNote();
    else if (event.key === 'Escape') closeEditor();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  listen(find('editor-cancel'), 'click', closeEditor);
  listen(find('editor-delete'), 'click', () => {
    const note = editing;
    closeEditor();
    removeNote(note);
  });
  on('frame', () => {
    if ((state.draft ?? editing)?.frame !== frameHere()) closeEditor();
  });
}
