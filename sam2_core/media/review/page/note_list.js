// The list of notes beside the frame.

import { iconButton, make, scrollWithin } from '../../../../ui/web/shared/elements.js';
import { on } from '../../../../ui/web/shared/events.js';
import { closeEditor, editNote } from './note_editor.js';
import { numberOf, pinColor, whereOf } from './notes.js';
import { announce, find, frameHere, listen, objectOf, state, update } from './page.js';
import { placePins, updatePins } from './pins.js';
import { goToFrame } from './player.js';
import { review } from './saved.js';
import { viewport } from './viewport.js';

/** @param {PinnedNote} note */
function makeNote(note) {
  const item = make('li', 'note');
  const go = make('button', 'note-go');
  const facts = make('span', 'note-facts');
  const number = numberOf(note);
  go.type = 'button';
  item.style.setProperty('--pin', pinColor(note));
  item.classList.toggle('here', note === state.chosen);
  if (note === state.chosen) go.setAttribute('aria-current', 'true');
  const object = objectOf(note.object);
  if (object) {
    const dot = make('i');
    dot.style.setProperty('--color', object.color);
    facts.append(dot);
  }
  facts.append(make('span', '', [object?.name, whereOf(note)].filter(Boolean).join(' · ')));
  go.append(make('span', 'note-number', number), make('span', 'note-text', note.text), facts);
  go.onclick = () => jumpTo(note);
  const edit = iconButton('work', `Edit note ${number}`, 'note-edit');
  edit.onclick = () => jumpTo(note).then(() => editNote(note));
  item.append(go, edit);
  return item;
}

/** @param {PinnedNote} note */
async function jumpTo(note) {
  update({ chosen: note });
  closeEditor();
  await goToFrame(note.frame);
  updateNotes();
  viewport.scrollIntoView({ block: 'nearest' });
  announce(`Note ${numberOf(note)}, ${whereOf(note)}: ${note.text}`);
}

/** @param {number} by 1 or -1 */
export function nextNote(by) {
  const { notes } = review;
  const now = state.chosen ? notes.indexOf(state.chosen) : -1;
  const here = frameHere();
  if (!notes.length) return;
  const ahead = by > 0 ? notes.findIndex(note => note.frame >= here) : notes.findLastIndex(note => note.frame <= here);
  const next = notes.at(now >= 0 ? (now + by) % notes.length : ahead < 0 ? (by > 0 ? 0 : -1) : ahead);
  if (next) jumpTo(next);
}

export function updateNotes() {
  const focused = [...find('notes').children].findIndex(item => item.contains(document.activeElement));
  const hadEdit = document.activeElement?.classList.contains('note-edit');
  find('notes').replaceChildren(...review.notes.map(makeNote));
  const item = find('notes').children[focused];
  if (item) find(hadEdit ? 'note-edit' : 'note-go', item).focus({ preventScroll: true });
  revealChosen();
  find('notes').hidden = !review.notes.length;
  find('notes-none').hidden = review.notes.length > 0;
  find('notes-count').textContent = review.notes.length ? String(review.notes.length) : '';
  find('notes-previous').disabled = find('notes-next').disabled = !review.notes.length;
  updatePins();
}

function revealChosen() {
  const item = find('here', find('notes'));
  if (item) scrollWithin(find('notes'), item);
}

export function setUpNoteList() {
  listen(find('notes-previous'), 'click', () => nextNote(-1));
  listen(find('notes-next'), 'click', () => nextNote(1));
  on('notes chosen', updateNotes);
  on('pins', updatePins);
  on('frame', () => {
    if (state.chosen && state.chosen.frame !== frameHere()) {
      update({ chosen: null });
      updateNotes();
    } else updatePins();
  });
  on('view', placePins);
}
