// The small editor of a note, beside its pin; on a phone at the bottom of the screen.

const BESIDE = 22, MARGIN = 8;   // CSS pixels: between pin and editor, between editor and the stage's edge

const editor = find('editor'), editorText = find('editor-text'), editorObject = find('editor-object');
let editing = null;              // the note that is edited, or null for a new one

function pinAt([x, y], object = objectAt([x, y])) {
  const { width, height } = sizeOf(shown?.frame ?? frameHere());
  if (!shown || x < 0 || y < 0 || x > width || y > height) return closeEditor();
  if (shown.frame !== frameHere()) return;                     // the next frame is on its way
  if (said.notes.length >= MOST_NOTES) return announce(`${MOST_NOTES} notes are the limit.`);
  pause();
  closeEditor();
  const fine = value => Math.round(value * 10) / 10;            // tenths of a pixel are enough
  draft = { frame: frameHere(), x: fine(x), y: fine(y), pin: make('span', 'pin draft') };
  draft.pin.append(make('span', '', '+'));
  openEditor(null, { text: '', object });
}

// Without a mouse: in the middle of what is in sight.
function pinInTheMiddle() {
  const middle = [stage.clientWidth / 2 - view.x, stage.clientHeight / 2 - view.y].map(side => side / view.scale);
  pinAt(middle);
}

function editNote(note) {
  pause();
  draft = null;
  chosen = note;
  openEditor(note, note);
  updateNotes();
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
  updatePins();
  editorText.focus({ preventScroll: true });
}

function closeEditor() {
  if (editor.hidden) return;
  const focused = editor.contains(document.activeElement);
  draft = editing = null;
  editor.hidden = true;
  updatePins();
  if (focused) picture.focus({ preventScroll: true });
}

function saveNote() {
  const text = editorText.value.trim(), object = Number(editorObject.value) || undefined;
  if (!text) return editorText.focus();
  if (editing) {
    Object.assign(editing, { text, object });
    tell('notes');
  } else addNote({ frame: draft.frame, x: draft.x, y: draft.y, text, object, at: new Date().toISOString() });
  announce(`Note ${numberOf(chosen)} is saved`);
  closeEditor();
}

// To the right of the pin, or where that has no room to the left of it.
function placeEditor() {
  const about = draft ?? editing;
  if (!about || editor.hidden) return;
  const { offsetWidth: wide, offsetHeight: high } = editor, { clientWidth, clientHeight } = stage;
  const x = view.x + about.x * view.scale, y = view.y + about.y * view.scale;
  const right = x + BESIDE + wide + MARGIN <= clientWidth ? x + BESIDE : x - BESIDE - wide;
  const left = clamp(right, MARGIN, Math.max(MARGIN, clientWidth - wide - MARGIN));
  const top = clamp(y - high / 2, MARGIN, Math.max(MARGIN, clientHeight - high - MARGIN));
  editor.style.transform = `translate(${left}px, ${top}px)`;
}

editorObject.append(new Option('the picture as a whole', ''), ...about.objects.map(({ id, name }) => new Option(name, id)));
on(editor, 'submit', event => { event.preventDefault(); saveNote(); });
on(editor, 'keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) saveNote();
  else if (event.key === 'Escape') closeEditor();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
on(find('editor-cancel'), 'click', closeEditor);
on(find('editor-delete'), 'click', () => {
  const note = editing;
  closeEditor();
  removeNote(note);
});
when('frame', () => { if ((draft ?? editing)?.frame !== frameHere()) closeEditor(); });
