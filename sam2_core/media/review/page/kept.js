// What the reviewer says: verdicts, notes and a name. It is kept in this browser under the page's own id, as you go.

const STORE = `masklet-review:${about.review}`, NAME = 'masklet-reviewer';
const MOST_NOTES = 500, TEXT_LENGTH = 2000, NAME_LENGTH = 80;
const VERDICTS = ['', 'approved', 'needs_work'];

const said = { reviewer: '', verdicts: {}, notes: [] };   // a note: {frame, x, y, text, object or undefined, at}
let keeps = true;                // this browser keeps what is said

const isText = (value, most) => typeof value === 'string' && value.length <= most;

function isNote({ frame, x, y, text, object, at }) {
  const { width, height } = sizeOf(frame);
  return shots.includes(frame) && x >= 0 && x <= width && y >= 0 && y <= height && isText(text, TEXT_LENGTH)
    && (object === undefined || objectOf(object)) && isText(at, 40);
}

// The storage of a browser can be changed by others: only what fits is taken over.
function recall() {
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(STORE));
    said.reviewer = (localStorage.getItem(NAME) ?? '').slice(0, NAME_LENGTH);
  } catch { keeps = false; }
  if (!kept) return;
  if (isText(kept.reviewer, NAME_LENGTH)) said.reviewer = kept.reviewer;
  for (const { id } of about.objects) {
    const { verdict = '', comment = '' } = kept.verdicts?.[id] ?? {};
    if (VERDICTS.includes(verdict) && isText(comment, TEXT_LENGTH)) setVerdict(id, { verdict, comment });
  }
  if (Array.isArray(kept.notes)) said.notes = kept.notes.filter(note => note && isNote(note)).slice(0, MOST_NOTES);
}

const verdictOf = id => said.verdicts[id] ?? { verdict: '', comment: '' };

function setVerdict(id, news) {
  const now = { ...verdictOf(id), ...news };
  if (now.verdict || now.comment) said.verdicts[id] = now;
  else delete said.verdicts[id];
}

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(said));
    if (said.reviewer) localStorage.setItem(NAME, said.reviewer);
    keeps = true;
  } catch { keeps = false; }
  find('kept').textContent = keeps ? 'Kept in this browser' : 'Not kept: send it back before you close';
}

const isSaid = () => said.notes.length > 0 || Object.keys(said.verdicts).length > 0;

let sent = true;                 // nothing is lost if the page is closed now
when('verdicts notes', () => { sent = false; keep(); });
on(window, 'beforeunload', event => { if (!keeps && !sent && isSaid()) event.preventDefault(); });
recall();
