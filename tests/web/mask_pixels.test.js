// Mask prompts from pictures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isScaled, maskOf, scaled } from '../../ui/web/tools/mask_pixels.js';

/** @param {number[][]} pixels */
const rgba = pixels => Uint8ClampedArray.from(pixels.flat());
/** @param {number[]} levels */
const gray = levels => rgba(levels.map(level => [level, level, level, 255]));
/** @param {Uint8ClampedArray} data */
const inside = data => [...(maskOf(data) ?? [])].join('');

test('a soft mask is cut at half', () => {
  assert.equal(inside(gray([0, 64, 127, 128, 191, 255])), '000111');
  const wide = Array.from({ length: 200 }, (_, level) => level);
  assert.equal(inside(gray(wide)), '0'.repeat(100) + '1'.repeat(100));
});

test('numbers of objects all count', () => {
  assert.equal(inside(gray([0, 1, 2, 3])), '0111');
  assert.equal(inside(gray([0, 64, 128, 192])), '0111');
  assert.equal(inside(rgba([0, 64, 128].map(red => [red, 0, 0, 255]))), '011');
});

test('the opacity of a cut-out counts, whatever its colors are', () => {
  const cut = [0, 127, 128, 255].map((opacity, place) => [place * 80, 7, 0, opacity]);
  assert.equal(inside(rgba(cut)), '0011');
  assert.equal(inside(rgba([0, 128].map(opacity => [0, 0, 0, opacity]))), '01');
});

test('a photo is no mask', () => {
  const photo = Array.from({ length: 5000 }, (_, place) => [place % 256, place >> 8, 9, 255]);
  assert.equal(maskOf(rgba(photo)), null);
});

test('masks of the same aspect are scaled', () => {
  const frame = { width: 1920, height: 1080 };
  for (const [width, height] of [
    [960, 540],
    [854, 480],
    [3840, 2160],
    [1919, 1080],
  ])
    assert.ok(isScaled({ width, height }, frame));
  for (const [width, height] of [
    [848, 480],
    [1080, 1920],
    [1920, 1088],
    [0, 0],
    [1, 1],
  ])
    assert.ok(!isScaled({ width, height }, frame));
  const pixels = Uint8Array.of(1, 0, 0, 1);
  const double = Uint8Array.of(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1);
  assert.deepEqual(scaled(pixels, { width: 2, height: 2 }, { width: 4, height: 4 }), double);
  assert.deepEqual(scaled(double, { width: 4, height: 4 }, { width: 2, height: 2 }), pixels);
});
