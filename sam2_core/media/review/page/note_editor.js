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
const MARGIN = 8; // CSS pixels: between pin and editor, between editor and the viewport's edge

const editor = find('editor');
const editorText = find('editor-text');
const editorObject = find('editor-object');
/** @type {PinnedNote | null} the note that is edited, or null for a new one */
let editing = null;

/**
 * @param {Position} position in pixels of the frame
 * @param {number} [object]
 */
export function pinAt([x, y], object = objectAt([x, y])) {
  const { width, height } = sizeOf(state.shown?.frame ?? frameHere());
  if (!state.shown || x < 0 || y < 0 || x > width || y > height) return closeEditor();
  if (state.shown.frame !== frameHere()) return; // the next frame is on its way
  if (review.notes.length >= MAX_NOTES) return announce(`${MAX_NOTES} notes are the limit.`);
  pause();
  closeEditor();
  /** @param {number} value */
  const fine = value => Math.round(value * 10) / 10; // tenths of a pixel are enough
  const pin = make('span', 'pin draft');
  pin.append(make('span', '', '+'));
  update({ draft: { frame: frameHere(), x: fine(x), y: fine(y), pin } });
  openEditor(null, { text: '', object });
}

// Without a mouse: in the middle of what is in sight.
export function pinInTheMiddle() {
  const { clientWidth, clientHeight } = viewport;
  pinAt([(clientWidth / 2 - view.x) / view.scale, (clientHeight / 2 - view.y) / view.scale]);
}

/** @param {PinnedNote} note */
export function editNote(note) {
  pause();
  update({ draft: null });
  update({ chosen: note });
  openEditor(note, note);
  emit('chosen');
}

/**
 * @param {PinnedNote | null} note
 * @param {Pick<PinnedNote, 'text' | 'object'>} content
 */
function openEditor(note, { text, object }) {
  editing = note;
  find('editor-title').textContent = note ? `Note ${numberOf(note)}` : 'New note';
  find('editor-delete').disabled = !note;
  editorText.value = text;
  editorObject.value = String(object ?? '');
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
  } else if (state.draft) {
    const { frame, x, y } = state.draft;
    addNote({ frame, x, y, text, object, at: new Date().toISOString() });
  }
  if (state.chosen) announce(`Note ${numberOf(state.chosen)} is saved`);
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
    ...about.objects.map(({ id, name }) => new Option(name, String(id))),
  );
  listen(editor, 'submit', event => {
    event.preventDefault();
    saveNote();
  });
  listen(
    editor,
    'keydown',
    /** @param {KeyboardEvent} event */ event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) saveNote();
      else if (event.key === 'Escape') closeEditor();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  );
  listen(find('editor-cancel'), 'click', closeEditor);
  listen(find('editor-delete'), 'click', () => {
    const note = editing;
    closeEditor();
    if (note) removeNote(note);
  });
  on('frame', () => {
    if ((state.draft ?? editing)?.frame !== frameHere()) closeEditor();
  });
}
