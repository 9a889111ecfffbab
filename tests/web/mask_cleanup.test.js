import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropIslands, fillHoles, smoothEdges } from '../../ui/web/tools/mask_cleanup.js';

/** @param {string[]} rows */
const mask = (...rows) => Uint8Array.from([...rows.join('')], each => Number(each === '#'));
/** @param {Uint8Array} pixels @param {number} width */
const rowsOf = (pixels, width) =>
  Array.from({ length: pixels.length / width }, (_, row) =>
    [...pixels.subarray(row * width, (row + 1) * width)].map(each => (each ? '#' : '.')).join(''),
  );

test('what a mask surrounds is filled, not what opens to the edge or is cut off by it', () => {
  const filled = fillHoles(mask('###.', '#.#.', '####', '.#.#'), 4);
  assert.deepEqual(rowsOf(filled, 4), ['###.', '###.', '####', '.#.#']);
});

test('a hole ends where pixels of the mask touch at their corners', () => {
  assert.deepEqual(rowsOf(fillHoles(mask('.#.', '#.#', '.#.'), 3), 3), ['.#.', '###', '.#.']);
});

test('small islands go, large parts and what touches at a corner stay', () => {
  const rows = ['#####...#', '#####....', '#####..##', '.....#.##', '.......##'];
  assert.deepEqual(rowsOf(dropIslands(mask(...rows), 9), 9), ['#####....', ...rows.slice(1)]);
});

test('smoothing takes spikes and notches, and keeps what touches the edge of the frame', () => {
  const [width, height] = [60, 40];
  const pixels = Uint8Array.from({ length: width * height }, (_, place) => Number(place % width < 30));
  const rough = Uint8Array.from(pixels);
  rough[20 * width + 30] = rough[20 * width + 31] = 1; // a spike
  rough[10 * width + 29] = 0; // a notch
  assert.deepEqual(smoothEdges(rough, width), pixels);
});
