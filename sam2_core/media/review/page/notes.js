// Notes: pins on the stage, and the list beside it. They are numbered as they come in the clip.

const PLAIN_PIN = '#4f46e5';

let chosen = null;               // the note that is edited or was jumped to
let draft = null;                // {frame, x, y, pin} of a note that is being written

const byPlace = (one, other) => one.frame - other.frame || (one.at < other.at ? -1 : 1);
const numberOf = note => said.notes.indexOf(note) + 1;

// Of the object, dark enough for white letters.
function pinColor({ object }) {
  const color = objectOf(object)?.color;
  if (!color) return PLAIN_PIN;
  const parts = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255);
  const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const shine = shade => {
    const [red, green, blue] = parts.map(part => linear(part * shade));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let shade = 1;
  while (shine(shade) > 0.18) shade -= 0.03;
  return `rgb(${parts.map(part => Math.round(255 * part * shade)).join()})`;
}

const whereOf = ({ frame }) => (isClip ? `frame ${frame + 1}` : isAlbum ? medium.names[frame] : '');

function addNote(note) {
  said.notes.push(note);
  said.notes.sort(byPlace);
  chosen = note;
  tell('notes');
}

function removeNote(note) {
  said.notes = said.notes.filter(other => other !== note);
  if (chosen === note) chosen = null;
  announce('The note is deleted');
  tell('notes');
}

// --- pins ---

function makePin(note) {
  const pin = make('button', 'pin');
  pin.type = 'button';
  pin.append(make('span', '', numberOf(note)));
  pin.setAttribute('aria-label', `Note ${numberOf(note)}: ${note.text}`);
  pin.title = note.text;
  pin.style.setProperty('--pin', pinColor(note));
  pin.classList.toggle('chosen', note === chosen);
  pin.onclick = () => editNote(note);
  return pin;
}

const pins = find('pins');
let pinned = [];                 // [note, its pin]

function updatePins() {
  const here = said.notes.filter(note => note.frame === frameHere());
  pinned = here.map(note => [note, makePin(note)]);
  pins.replaceChildren(...pinned.map(([, pin]) => pin));
  if (draft) pins.append(draft.pin);
  placePins();
}

const atPlace = ({ x, y }) => `translate(${view.x + x * view.scale}px, ${view.y + y * view.scale}px)`;

function placePins() {
  for (const [note, pin] of pinned) pin.style.transform = atPlace(note);
  if (draft) draft.pin.style.transform = atPlace(draft);
  placeEditor();
}

// --- the list ---

function makeNote(note) {
  const item = make('li', 'note'), go = make('button', 'note-go'), facts = make('span', 'note-facts'), number = numberOf(note);
  go.type = 'button';
  item.style.setProperty('--pin', pinColor(note));
  item.classList.toggle('here', note === chosen);
  if (note === chosen) go.setAttribute('aria-current', 'true');
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

async function jumpTo(note) {
  chosen = note;
  closeEditor();
  await goToFrame(note.frame);
  updateNotes();
  stage.scrollIntoView({ block: 'nearest' });
  announce(`Note ${numberOf(note)}, ${whereOf(note)}: ${note.text}`);
}

function nextNote(by) {
  const { notes } = said, now = notes.indexOf(chosen), here = frameHere();
  if (!notes.length) return;
  const ahead = by > 0 ? notes.findIndex(note => note.frame >= here) : notes.findLastIndex(note => note.frame <= here);
  jumpTo(notes.at(now >= 0 ? (now + by) % notes.length : ahead < 0 ? (by > 0 ? 0 : -1) : ahead));
}

function updateNotes() {
  const focused = [...find('notes').children].findIndex(item => item.contains(document.activeElement));
  const hadEdit = document.activeElement?.classList.contains('note-edit');
  find('notes').replaceChildren(...said.notes.map(makeNote));
  const item = find('notes').children[focused];
  if (item) find(hadEdit ? 'note-edit' : 'note-go', item).focus({ preventScroll: true });
  revealChosen();
  find('notes').hidden = !said.notes.length;
  find('notes-none').hidden = said.notes.length > 0;
  find('notes-count').textContent = said.notes.length || '';
  for (const name of ['notes-previous', 'notes-next']) find(name).disabled = !said.notes.length;
  updatePins();
}

// Scrolls the list, never the page: on a phone the picture stays in sight.
function revealChosen() {
  const list = find('notes'), item = find('here', list)?.getBoundingClientRect(), { top, bottom } = list.getBoundingClientRect();
  if (item) list.scrollTop += Math.min(0, item.top - top) + Math.max(0, item.bottom - bottom);
}

on(find('notes-previous'), 'click', () => nextNote(-1));
on(find('notes-next'), 'click', () => nextNote(1));
when('notes', updateNotes);
when('frame', () => {
  if (chosen && chosen.frame !== frameHere()) { chosen = null; updateNotes(); }
  else updatePins();
});
when('view', placePins);
