// Positions and frames on the timeline.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { timeline } from '../../ui/web/core/store.js';
import { extent, frameAt, isVisible, pixelsPerFrame, THUMB_WIDTH, xOf } from '../../ui/web/timeline/geometry.js';

beforeEach(() => Object.assign(timeline, { first: 10, last: 30, width: 200 + THUMB_WIDTH }));

test('the visible frames reach from one end to the other, but for the slider’s thumb', () => {
  assert.equal(pixelsPerFrame(), 10);
  assert.deepEqual([xOf(10), xOf(11), xOf(30)], [7, 17, 207]);
  assert.deepEqual([9, 10, 30, 31].map(isVisible), [false, true, true, false]);
});

test('a position belongs to the nearest visible frame', () => {
  assert.deepEqual([-50, 7, 11, 13, 207, 900].map(frameAt), [10, 10, 10, 11, 30, 30]);
  for (const frame of [10, 17, 30]) assert.equal(frameAt(xOf(frame)), frame);
});

test('a run of frames ends with the timeline', () => {
  assert.deepEqual(extent(12, 14), [22, 30]);
  assert.deepEqual(extent(0, 99), [7, 200]);
  assert.deepEqual(extent(30, 30), [202, 5]);
});

test('a single frame', () => {
  Object.assign(timeline, { first: 0, last: 0 });
  assert.deepEqual([xOf(0), frameAt(500)], [7, 0]);
});
