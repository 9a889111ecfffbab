// COCO's run lengths, written and read by the page. tests/browser/test_tools.py compares them with Python's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRuns, encodeRuns } from '../../ui/web/core/run_lengths.js';

test('a mask comes back as it was', () => {
  const [width, height] = [7, 5];
  const pixels = Uint8Array.from({ length: width * height }, (_, place) => (place * 7) % 3 === 0);
  const coded = encodeRuns(pixels, width, height);
  assert.deepEqual(coded.size, [height, width]);
  assert.deepEqual(decodeRuns(coded), pixels);
});

test('empty and full masks, and counts as a list', () => {
  assert.deepEqual(decodeRuns(encodeRuns(new Uint8Array(6), 3, 2)), new Uint8Array(6));
  assert.deepEqual(decodeRuns({ size: [2, 3], counts: [0, 6] }), new Uint8Array(6).fill(1));
});

test('runs go down the columns', () => {
  assert.deepEqual(decodeRuns({ size: [2, 3], counts: [0, 2, 4] }), Uint8Array.of(1, 0, 0, 1, 0, 0));
});

test('what is no mask is refused', () => {
  for (const counts of ['', '0', '~~~', 'oooooooooooo', [1, 2], [-1, 7], [0.5, 5.5], [9]]) {
    assert.throws(() => decodeRuns({ size: [2, 3], counts }), RangeError);
  }
});
