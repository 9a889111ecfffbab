// Who made a mask, and what is told about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { madeByNetwork, ratedMask } = await import('../../ui/web/core/provenance.js');
const { explainRating, ratingWord } = await import('../../ui/web/shared/ratings.js');
const { sanitizeTraits } = await import('../../ui/web/core/traits.js');
const { state } = await import('../../ui/web/core/store.js');

test('a mask that was proposed keeps what it was proposed with, until a person changes it', () => {
  const given = { predicted_iou: 1 }; // a mask that is its prompt is not rated
  const proposal = madeByNetwork({ predicted_iou: 0.25, stability: 0.5, rating: 'poor' }, 'automatic');
  state.log.add([
    { frame: 0, object: 1, prompt: { mask: { size: [2, 2], counts: '04' } } },
    { traits: 1, set: proposal },
  ]);
  assert.equal(ratingWord(ratedMask(1, 0, given)), 'poor');
  assert.equal(ratingWord(ratedMask(1, 1, { predicted_iou: 0.8, rating: 'check' })), 'check'); // tracked
  state.log.add([{ traits: 1, set: { source: 'person' } }]);
  assert.equal(ratingWord(ratedMask(1, 0, given)), 'by hand');
});

test('the number is behind the word, and there is none for what a person drew', () => {
  assert.match(explainRating({ predicted_iou: 1.2, rating: 'good' }), /^Predicted IoU 100%/);
  assert.doesNotMatch(explainRating({ predicted_iou: 1 }), /%/);
});

test('only known words come in from a file', () => {
  assert.deepEqual(sanitizeTraits({ rating: 'poor' }), { rating: 'poor' });
  assert.deepEqual(sanitizeTraits({ rating: 'splendid' }), {});
});
