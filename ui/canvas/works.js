// Autosave: what is open is kept as a work, in the tab (so that a reload finds it at once) and on the shelf (so that
// everything else does not lose it); and the works that the start screen offers to go on with.

const KEPT = 'masklet';          // in the tab's own storage
const KEEP_EVERY = 500;          // milliseconds
const WORKS_SHOWN = 6, THUMBNAIL = 320;   // CSS pixels of the longer side

const newId = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;
const fileKeyOf = file => `${file.name}|${file.size}|${file.lastModified}`;

let work = null;                 // {id, fileKeys, filesKept, thumbnail} of what is open; null: it is not to be kept
let writing = Promise.resolve(); // to the shelf, one after the other

const filesOf = source => source?.files ?? (source?.file ? [source.file] : []);

function beginWork(id = newId(), fileKeys = []) {
  work = { id, fileKeys, filesKept: new Set(), thumbnail: null };
  state.range = null;
  reviews = [];
}

// All that brings the work back, as plain data.
function snapshot() {
  const { kind, name, frames: count, height, width, fps, sizes, names } = state.medium;
  return {
    medium: { kind, name, frames: count, height, width, fps, ...(sizes ? { sizes, names } : {}) }, example: state.source?.example?.name,
    journal: journal.plain, look: objects.look, effects: effects.made, frame: state.frame, active: state.active,
    range: state.range, reviews,
  };
}

// A page whose work was taken over by another tab is behind it.
function keep() {
  if (!state.medium || line.status === 'taken') return;
  const all = snapshot();
  keepInTab(all);
  if (work && journal.steps.length) keepOnShelf(work, all);
}

function keepInTab(all) {
  const where = { token: state.token, version: state.version, id: work?.id };
  for (const kept of [{ ...where, ...all }, where]) {
    try { sessionStorage.setItem(KEPT, JSON.stringify(kept)); return; } catch { /* storage may be full or forbidden */ }
  }
}

function keepOnShelf(mine, all) {
  const files = filesOf(state.source), picture = thumbnail();
  if (files.length) mine.fileKeys = files.map(fileKeyOf);
  const pictures = backdropsOf(effects.look).map(keyOfBackdrop);
  const record = structuredClone({ ...all, fileKeys: mine.fileKeys, backdrops: pictures, at: Date.now(), objects: journal.said.size });
  writing = writing.then(async () => {
    mine.thumbnail = await picture ?? mine.thumbnail;
    const id = await shelf.put({ ...record, id: mine.id, thumbnail: mine.thumbnail }, newId());
    if (id) mine.id = id;
  });
  for (const file of files.filter(each => !mine.filesKept.has(fileKeyOf(each)))) {
    mine.filesKept.add(fileKeyOf(file));
    shelf.putFile(fileKeyOf(file), file);
  }
}

// What is on the stage, small; null where there is nothing to be seen.
function thumbnail() {
  if (!shown.bitmap || state.playing) return Promise.resolve(null);
  const { width, height } = frameSize(shown.frame), scale = Math.min(1, THUMBNAIL / Math.max(width, height));
  const [canvas, pen] = canvasOf(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  try {
    pen.drawImage(shown.bitmap, 0, 0, canvas.width, canvas.height);
    pen.scale(canvas.width / width, canvas.height / height);
    pen.globalAlpha = 0.6;
    for (const sprite of shown.sprites) pen.drawImage(sprite.fill, sprite.x, sprite.y);
  } catch {
    return Promise.resolve(null);      // the frame has gone from the cache
  }
  return new Promise(resolve => canvas.toBlob(resolve, 'image/jpeg', 0.8));
}

function keptInTab() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; }
}

// What the tab kept from before the page was loaded; the shelf knows it where the tab has no room.
async function recall() {
  const kept = keptInTab();
  return kept && { ...(kept.id ? await shelf.claim(kept.id) : {}), ...kept };
}

let keepTimer = 0;
function keepWhatIsDue() {
  if (!keepTimer) return;
  clearTimeout(keepTimer);
  keepTimer = 0;
  keep();
}
when('journal objects look frame medium range tracking tracked masks review', () => {
  keepTimer ||= setTimeout(keepWhatIsDue, KEEP_EVERY);
});

// --- the start screen ---

function ago(time) {
  const minutes = Math.round((Date.now() - time) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${counted(Math.round(minutes / 60), 'hour')} ago`;
  return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
}

function makeKept(record) {
  const card = make('li', 'mk-kept-card'), open = make('button', 'mk-kept-open'), isOpen = record.id === work?.id;
  open.type = 'button';
  if (record.thumbnail) {
    const picture = make('img');
    Object.assign(picture, { alt: '', src: URL.createObjectURL(record.thumbnail) });
    picture.onload = () => URL.revokeObjectURL(picture.src);
    open.append(picture);
  }
  const words = make('span', 'mk-kept-words');
  const facts = `${counted(record.objects, 'object')} · ${isOpen ? 'open now' : ago(record.at)}`;
  words.append(make('b', '', record.medium.name), make('span', '', facts));
  open.append(words);
  open.onclick = () => (isOpen ? setScreen('work') : goOnWith(record.id));
  const forget = iconButton('close', `Forget ${record.medium.name}: remove it from this browser`, 'mk-kept-forget');
  forget.onclick = () => forgetWork(record);
  card.append(open, forget);
  return card;
}

async function showKept() {
  keepWhatIsDue();
  await writing;
  const records = (await shelf.list() ?? []).slice(0, WORKS_SHOWN);
  find('kept').hidden = !records.length;
  find('kept-list').replaceChildren(...records.map(makeKept));
}

// What is open stays open, but nothing of it is kept any more.
async function forgetWork(record) {
  if (record.id === work?.id) work = null;
  if (keptInTab()?.id === record.id) sessionStorage.removeItem(KEPT);
  await writing;
  await shelf.forget(record.id);
  announce(`${record.medium.name} is forgotten`);
  await showKept();
  (find('kept-list').querySelector('button') ?? find('choose')).focus();
}

when('screen', name => { if (name === 'start') showKept(); });
showKept();
