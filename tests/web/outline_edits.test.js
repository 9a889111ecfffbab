import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  areaOf,
  cornerAfter,
  cornerAt,
  edgeAt,
  editableRings,
  withCornerAdded,
  withCornerMoved,
  withCornerRemoved,
} from '../../ui/web/tools/outline_edits.js';

/** @type {Position[]} */
const SQUARE = [
  [0, 0],
  [10, 0],
  [10, 10],
  [0, 10],
];

test('a disc has few corners that enclose about its area, specks have none', () => {
  const side = 200;
  const disc = Uint8Array.from({ length: side * side }, (_, at) =>
    Number(Math.hypot((at % side) - 99.5, Math.floor(at / side) - 99.5) < 80),
  );
  const area = disc.reduce((sum, pixel) => sum + pixel, 0);
  disc[0] = 1;
  const rings = editableRings(disc, side);
  assert.equal(rings.length, 1);
  assert.ok(rings[0].length <= 100 && rings[0].length >= 12, `${rings[0].length}`);
  assert.ok(Math.abs(areaOf(rings[0]) / area - 1) < 0.02);
});

test('corners and edges are found within reach, the nearest first', () => {
  assert.deepEqual(cornerAt([SQUARE], [9, 1], 2), { ring: 0, corner: 1 });
  assert.equal(cornerAt([SQUARE], [5, 5], 2), null);
  assert.deepEqual(edgeAt([SQUARE], [5, -1], 2), { ring: 0, corner: 1 });
  assert.deepEqual(edgeAt([SQUARE], [0.5, 5], 2), { ring: 0, corner: 4 });
  assert.equal(edgeAt([SQUARE], [5, 5], 2), null);
});

test('corners are moved, added and removed, and the rings before stay as they were', () => {
  const rings = [SQUARE];
  const moved = withCornerMoved(rings, { ring: 0, corner: 2 }, [20, 20]);
  assert.equal(areaOf(moved[0]), 200);
  const added = withCornerAdded(rings, { ring: 0, corner: 1 }, [5, 0]);
  assert.deepEqual(added[0].slice(0, 3), [
    [0, 0],
    [5, 0],
    [10, 0],
  ]);
  const triangle = withCornerRemoved(rings, { ring: 0, corner: 3 });
  assert.equal(areaOf(triangle[0]), 50);
  assert.deepEqual(withCornerRemoved(triangle, { ring: 0, corner: 0 }), []);
  assert.equal(areaOf(rings[0]), 100);
});

test('keys go through the corners of all rings', () => {
  const rings = [SQUARE, SQUARE];
  assert.deepEqual(cornerAfter(rings, null, 1), { ring: 0, corner: 0 });
  assert.deepEqual(cornerAfter(rings, { ring: 0, corner: 3 }, 1), { ring: 1, corner: 0 });
  assert.deepEqual(cornerAfter(rings, { ring: 0, corner: 0 }, -1), { ring: 1, corner: 3 });
  assert.equal(cornerAfter([], null, 1), null);
});
