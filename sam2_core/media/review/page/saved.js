// What the reviewer says: verdicts, notes and a name. It is kept in this browser under the page's own id, as you go.

import { on } from '../../../../ui/web/shared/events.js';
import { isPlain } from '../../../../ui/web/shared/values.js';
import { about, find, listen, objectOf, shots, sizeOf, state, update } from './page.js';

const STORE = `masklet-review:${about.review}`;
const NAME = 'masklet-reviewer';
export const MAX_NOTES = 500;
export const MAX_TEXT_LENGTH = 2000;
export const MAX_NAME_LENGTH = 80;
/** @type {unknown[]} */
const VERDICTS = ['', 'approved', 'needs_work'];

/** @type {{ reviewer: string, verdicts: Record<number, ObjectReview>, notes: PinnedNote[] }} */
export const review = { reviewer: '', verdicts: {}, notes: [] };
let isSaved = true; // in this browser

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {value is string}
 */
const isText = (value, most) => typeof value === 'string' && value.length <= most;

/**
 * @param {Record<string, any>} note
 * @returns {note is PinnedNote}
 */
function isNote({ frame, x, y, text, object, at }) {
  const { width, height } = sizeOf(frame);
  return (
    shots.includes(frame) &&
    x >= 0 &&
    x <= width &&
    y >= 0 &&
    y <= height &&
    isText(text, MAX_TEXT_LENGTH) &&
    (object === undefined || objectOf(object) !== undefined) &&
    isText(at, 40)
  );
}

// The storage of a browser can be changed by others: only what fits is taken over.
function load() {
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(STORE) ?? 'null');
    review.reviewer = (localStorage.getItem(NAME) ?? '').slice(0, MAX_NAME_LENGTH);
  } catch {
    isSaved = false;
  }
  if (!kept) return;
  if (isText(kept.reviewer, MAX_NAME_LENGTH)) review.reviewer = kept.reviewer;
  for (const { id } of about.objects) {
    const { verdict = '', comment = '' } = kept.verdicts?.[id] ?? {};
    if (VERDICTS.includes(verdict) && isText(comment, MAX_TEXT_LENGTH)) setVerdict(id, { verdict, comment });
  }
  if (!Array.isArray(kept.notes)) return;
  review.notes = kept.notes
    .filter(/** @param {unknown} note */ note => isPlain(note) && isNote(note))
    .slice(0, MAX_NOTES);
}

/**
 * @param {number} id
 * @returns {ObjectReview}
 */
export const verdictOf = id => review.verdicts[id] ?? { verdict: '', comment: '' };

/**
 * @param {number} id
 * @param {Partial<ObjectReview>} news
 */
export function setVerdict(id, news) {
  const now = { ...verdictOf(id), ...news };
  if (now.verdict || now.comment) review.verdicts[id] = now;
  else delete review.verdicts[id];
}

export function save() {
  try {
    localStorage.setItem(STORE, JSON.stringify(review));
    if (review.reviewer) localStorage.setItem(NAME, review.reviewer);
    isSaved = true;
  } catch {
    isSaved = false;
  }
  find('kept').textContent = isSaved ? 'Kept in this browser' : 'Not kept: send it back before you close';
}

export const hasContent = () => review.notes.length > 0 || Object.keys(review.verdicts).length > 0;

export function setUpSaved() {
  on('verdicts notes', () => {
    update({ sent: false });
    save();
  });
  listen(window, 'beforeunload', event => {
    if (!isSaved && !state.sent && hasContent()) event.preventDefault();
  });
  load();
}
