// Geometry of the tools: paths, boxes and their edges.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  boxBetween,
  contains,
  edgesAt,
  innerPoints,
  overlaps,
  pathLength,
  pointsAlong,
  roundToTenth,
  unionOf,
  withEdgesAt,
} from '../../ui/web/tools/shapes.js';

/** @type {Box} */
const BOX = [10, 20, 50, 60];

test('points lie evenly along a path', () => {
  /** @type {Position[]} */
  const corner = [
    [0, 0],
    [30, 0],
    [30, 10],
  ];
  assert.equal(pathLength(corner), 40);
  assert.deepEqual(pointsAlong(corner, 2), [
    [10, 0],
    [30, 0],
  ]);
  assert.deepEqual(pointsAlong(corner, 1), [[20, 0]]);
});

test('a dot is a path, too', () => {
  assert.equal(pathLength([[3, 4]]), 0);
  assert.deepEqual(pointsAlong([[3, 4]], 2), [
    [3, 4],
    [3, 4],
  ]);
  assert.deepEqual(
    pointsAlong(
      [
        [3, 4],
        [3, 4],
      ],
      1,
    ),
    [[3, 4]],
  );
});

test('a press near an edge or a corner of a box takes hold of it', () => {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => edgesAt(BOX, [x, y], 5);
  assert.deepEqual(at(12, 40), [true, false, false, false]);
  assert.deepEqual(at(8, 18), [true, true, false, false]);
  assert.deepEqual(at(54, 61), [false, false, true, true]);
  assert.deepEqual(at(30, 40), [false, false, false, false]);
  assert.deepEqual(at(30, 66), [false, false, false, false]);
});

test('of two opposite edges the nearer one is taken', () => {
  assert.deepEqual(edgesAt([0, 0, 6, 40], [2, 20], 5), [true, false, false, false]);
  assert.deepEqual(edgesAt([0, 0, 6, 40], [4, 20], 5), [false, false, true, false]);
});

test('an edge that is dragged beyond its opposite changes places with it', () => {
  assert.deepEqual(withEdgesAt(BOX, [true, false, false, false], [70, 0]), [50, 20, 70, 60]);
  assert.deepEqual(withEdgesAt(BOX, [false, false, true, true], [40, 30]), [10, 20, 40, 30]);
  assert.deepEqual(boxBetween([5, 1], [2, 8]), [2, 1, 5, 8]);
});

test('boxes and places', () => {
  assert.equal(overlaps(BOX, [50, 20, 5, 5]), false);
  assert.equal(overlaps(BOX, [49, 59, 5, 5]), true);
  assert.equal(contains(BOX, BOX), true);
  assert.equal(contains(BOX, [10, 20, 51, 60]), false);
  assert.deepEqual(
    unionOf([
      [1, 2, 3, 4],
      [2, 0, 10, 1],
    ]),
    [1, 0, 11, 6],
  );
});

test('positions are rounded to tenths of a pixel', () => assert.deepEqual(roundToTenth([1.26, 3]), [1.3, 3]));

test('points inside of a ring are deep in it and apart', () => {
  /** @type {Position[]} */
  const bar = [
    [0, 0],
    [100, 0],
    [100, 10],
    [0, 10],
  ];
  const points = innerPoints(bar, 3);
  assert.equal(points.length, 3);
  assert.ok(points.every(([x, y]) => x > 2 && x < 98 && y > 3 && y < 7));
  const [first, second, third] = points.map(([x]) => x).sort((a, b) => a - b);
  assert.ok(second - first > 4 && third - second > 4);
  /** @type {Position[]} */
  const bent = [
    [0, 0],
    [40, 0],
    [40, 10],
    [10, 10],
    [10, 40],
    [0, 40],
  ];
  assert.ok(innerPoints(bent, 3).every(([x, y]) => x < 10 || y < 10));
});
