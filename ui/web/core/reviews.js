// What reviews of the open medium contain, without the page around them.

import { commas, plural, tr } from '../shared/language.js';

/** @type {Record<string, string>} */
export const VERDICTS = { approved: tr('approved'), needs_work: tr('needs work') };

/** @param {Review} review */
export const reviewerOf = review => review.reviewer || tr('Reviewer');

/**
 * All notes, by frame.
 * @param {Review[]} reviews
 */
export const notesOf = reviews => reviews.flatMap(({ notes }) => notes).sort((one, other) => one.frame - other.frame);

/**
 * Adds a review. It replaces an earlier one of the same page by the same reviewer, but notes that were done stay done.
 * @param {Review[]} reviews
 * @param {Review} added
 * @returns {Review[]}
 */
export function mergeReview(reviews, added) {
  const isSame = (/** @type {Review} */ { review, reviewer }) => review === added.review && reviewer === added.reviewer;
  const keyOf = (/** @type {ReviewNote} */ { frame, x, y, text }) => JSON.stringify([frame, x, y, text]);
  const earlier = reviews.find(isSame)?.notes ?? [];
  const done = new Set(earlier.filter(note => note.done).map(keyOf));
  const notes = added.notes.map(note => ({ ...note, done: note.done || done.has(keyOf(note)) }));
  return [...reviews.filter(each => !isSame(each)), { ...added, notes }];
}

/** @param {Review} review */
export function summarize({ verdicts, notes }) {
  const given = Object.values(verdicts);
  const count = (/** @type {string} */ verdict) => given.filter(each => each.verdict === verdict).length;
  const [approved, faulty] = [count('approved'), count('needs_work')];
  const facts = [
    ...(approved ? [plural(approved, '{n} approved', '{n} approved')] : []),
    ...(faulty ? [plural(faulty, '{n} needs work', '{n} need work')] : []),
    plural(notes.length, '{n} note', '{n} notes'),
  ];
  return commas(facts);
}

/**
 * The verdict of all reviewers on an object, '' where there is none; it needs work where one of them finds so. `text`
 * lists what each says.
 * @param {Review[]} reviews
 * @param {number} id
 */
export function verdictOn(reviews, id) {
  const given = reviews.filter(({ verdicts }) => verdicts[id]?.verdict);
  const verdicts = given.map(review => review.verdicts[id].verdict);
  const lines = given.map(review => {
    const { verdict, comment } = review.verdicts[id];
    const start = `${reviewerOf(review)}: ${VERDICTS[verdict]}`;
    return comment ? `${start}. ${comment}` : start;
  });
  return { verdict: verdicts.find(each => each === 'needs_work') ?? verdicts[0] ?? '', text: lines.join('\n') };
}
