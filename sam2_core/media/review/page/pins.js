// Notes as pins on the frame.

import { make } from '../../../../ui/web/shared/elements.js';
import { editNote, placeEditor } from './note_editor.js';
import { numberOf, pinColor } from './notes.js';
import { find, frameHere, state } from './page.js';
import { review } from './saved.js';
import { view } from './viewport.js';

/** @param {PinnedNote} note */
function makePin(note) {
  const pin = make('button', 'pin');
  pin.type = 'button';
  pin.append(make('span', '', numberOf(note)));
  pin.setAttribute('aria-label', `Note ${numberOf(note)}: ${note.text}`);
  pin.title = note.text;
  pin.style.setProperty('--pin', pinColor(note));
  pin.classList.toggle('chosen', note === state.chosen);
  pin.onclick = () => editNote(note);
  return pin;
}

const pins = find('pins');
/** @type {[note: PinnedNote, pin: HTMLElement][]} */
let pinned = [];

export function updatePins() {
  const here = review.notes.filter(note => note.frame === frameHere());
  pinned = here.map(note => [note, makePin(note)]);
  pins.replaceChildren(...pinned.map(([, pin]) => pin));
  if (state.draft) pins.append(state.draft.pin);
  placePins();
}

/** @param {{ x: number, y: number }} position in pixels of the frame */
const atPlace = ({ x, y }) => `translate(${view.x + x * view.scale}px, ${view.y + y * view.scale}px)`;

export function placePins() {
  for (const [note, pin] of pinned) pin.style.transform = atPlace(note);
  if (state.draft) state.draft.pin.style.transform = atPlace(state.draft);
  placeEditor();
}
