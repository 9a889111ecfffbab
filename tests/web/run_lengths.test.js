// COCO's run lengths, written and read by the page. tests/browser/test_tools.py compares them with Python's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsOf, decodeRuns, encodeRuns } from '../../ui/web/core/run_lengths.js';

test('a mask comes back as it was', () => {
  const [width, height] = [7, 5];
  const pixels = Uint8Array.from({ length: width * height }, (_, place) => Number((place * 7) % 3 === 0));
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

test('a part of a mask becomes the runs of the whole', () => {
  const [width, height] = [9, 6];
  const part = Uint8Array.of(1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1);
  for (const [left, top] of [
    [0, 0],
    [2, 1],
    [5, 2],
    [6, 2],
  ]) {
    const whole = new Uint8Array(width * height);
    part.forEach((pixel, place) => {
      whole[(top + Math.floor(place / 3)) * width + left + (place % 3)] = pixel;
    });
    assert.deepEqual(encodeRuns(part, width, height, [left, top, 3, 4]), encodeRuns(whole, width, height));
  }
});

test('the box of a mask and its area are known without its pixels', () => {
  const [width, height] = [6, 5];
  const pixels = new Uint8Array(width * height);
  for (const [x, y] of [
    [2, 1],
    [2, 2],
    [3, 3],
  ])
    pixels[y * width + x] = 1;
  assert.deepEqual(boundsOf(encodeRuns(pixels, width, height)), { place: [2, 1, 2, 3], area: 3 });
  const full = encodeRuns(pixels.fill(1), width, height);
  assert.deepEqual(boundsOf(full), { place: [0, 0, width, height], area: 30 });
  assert.equal(boundsOf(encodeRuns(pixels.fill(0), width, height)), null);
});
