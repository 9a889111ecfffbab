// Reading the file that a review page sends back.

import { about } from '../core/page.js';
import { VERDICTS } from '../core/reviews.js';
import { MAX_NAME_LENGTH, singleLine } from '../core/traits.js';
import { isPlain } from '../shared/values.js';
import { areNumbers, check, isObjectId, isShort, isWhole, sizeOn } from './validation.js';

const REVIEW_FORMAT = 'masklet-review';
export const REVIEW_VERSION = 1;
const MAX_REVIEW_BYTES = 5e6;
export const MAX_REVIEWS = 20;
const MAX_NOTES = 500;
const MAX_NOTE_LENGTH = 2000;

/**
 * The file as plain data if it is a review, else null.
 * @param {File} file
 */
export async function findReview(file) {
  if (file.size > MAX_REVIEW_BYTES) return null;
  try {
    const plain = JSON.parse(await file.text());
    return isPlain(plain) && plain.format === REVIEW_FORMAT ? plain : null;
  } catch {
    return null;
  }
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {Review}
 */
export function readReview(plain, medium) {
  check(isPlain(plain) && isShort(plain.review, 64) && isShort(plain.reviewer, MAX_NAME_LENGTH));
  check(isPlain(plain.verdicts) && Object.keys(plain.verdicts).length <= about.max_objects);
  check(Array.isArray(plain.notes) && plain.notes.length <= MAX_NOTES);
  const verdicts = Object.entries(plain.verdicts).map(([id, verdict]) => [Number(id), readVerdict(id, verdict)]);
  const notes = plain.notes.map(note => readNote(note, medium)).sort((one, other) => one.frame - other.frame);
  return { review: plain.review, reviewer: singleLine(plain.reviewer), verdicts: Object.fromEntries(verdicts), notes };
}

/**
 * @param {string} id
 * @param {unknown} plain
 */
function readVerdict(id, plain) {
  check(isObjectId(Number(id)) && isPlain(plain) && isShort(plain.comment, MAX_NOTE_LENGTH));
  check(plain.verdict === '' || Object.hasOwn(VERDICTS, plain.verdict));
  return { verdict: plain.verdict, comment: plain.comment.trim() };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {ReviewNote}
 */
function readNote(plain, medium) {
  check(isPlain(plain) && isWhole(plain.frame, 0, medium.frames - 1) && areNumbers([plain.x, plain.y], 2));
  const { frame, x, y, text, object, at, done = false } = plain;
  const [height, width] = sizeOn(frame, medium);
  check(x >= 0 && x <= width && y >= 0 && y <= height);
  check(isShort(text, MAX_NOTE_LENGTH) && text.trim() && isShort(at, 40));
  check((object === undefined || isObjectId(object)) && typeof done === 'boolean');
  return { frame, x, y, text: text.trim(), object, at, done };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 */
export function readReviews(plain, medium) {
  check(Array.isArray(plain) && plain.length <= MAX_REVIEWS);
  return plain.map(each => readReview(each, medium));
}
