// What reviews contain: merging, summaries and verdicts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeReview, notesOf, summarize, verdictOn } from '../../ui/web/core/reviews.js';

/**
 * @param {number} frame
 * @param {string} text
 * @param {boolean} [done]
 * @returns {ReviewNote}
 */
const note = (frame, text, done = false) => ({ frame, x: 1, y: 2, text, at: '2026-01-01', done });

/**
 * @param {Partial<Review>} parts
 * @returns {Review}
 */
const review = parts => ({ review: 'page', reviewer: '', verdicts: {}, notes: [], ...parts });

test('a review replaces the earlier one of its reviewer, whose notes stay done', () => {
  const earlier = review({ reviewer: 'Ada', notes: [note(3, 'edge', true), note(4, 'hole')] });
  const other = review({ reviewer: 'Bob', notes: [note(1, 'edge', true)] });
  const added = review({ reviewer: 'Ada', notes: [note(3, 'edge'), note(3, 'other'), note(4, 'hole')] });
  const merged = mergeReview([earlier, other], added);
  assert.deepEqual(
    merged.map(({ reviewer, notes }) => [reviewer, notes.map(({ done }) => done)]),
    [
      ['Bob', [true]],
      ['Ada', [true, false, false]],
    ],
  );
});

test('reviews of different pages are kept side by side', () => {
  assert.equal(mergeReview([review({ review: 'one' })], review({ review: 'two' })).length, 2);
});

test('notes of all reviews are listed by frame', () => {
  const reviews = [review({ notes: [note(5, 'c')] }), review({ notes: [note(0, 'a'), note(5, 'd'), note(2, 'b')] })];
  assert.deepEqual(
    notesOf(reviews).map(({ text }) => text),
    ['a', 'b', 'c', 'd'],
  );
});

test('a summary counts verdicts and notes', () => {
  const [good, bad] = [
    { verdict: 'approved', comment: '' },
    { verdict: 'needs_work', comment: '' },
  ];
  assert.equal(summarize(review({})), '0 notes');
  assert.equal(
    summarize(review({ verdicts: { 1: good, 2: bad }, notes: [note(0, 'a')] })),
    '1 approved, 1 needs work, 1 note',
  );
  assert.equal(summarize(review({ verdicts: { 1: bad, 2: bad } })), '2 need work, 0 notes');
});

test('an object needs work where one reviewer finds so', () => {
  const reviews = [
    review({ reviewer: 'Ada', verdicts: { 1: { verdict: 'approved', comment: '' } } }),
    review({ verdicts: { 1: { verdict: 'needs_work', comment: 'The ear' }, 2: { verdict: '', comment: 'Fine' } } }),
  ];
  assert.deepEqual(verdictOn(reviews, 1), {
    verdict: 'needs_work',
    text: 'Ada: approved\nReviewer: needs work. The ear',
  });
  assert.deepEqual(verdictOn(reviews, 2), { verdict: '', text: '' });
  assert.deepEqual(verdictOn([], 1), { verdict: '', text: '' });
});
