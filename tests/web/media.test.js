// Facts about what is open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameAtTime, timeOf } from '../../ui/web/core/media.js';
import { update } from '../../ui/web/core/store.js';

/** @param {Partial<Medium>} facts */
const open = facts =>
  update({ medium: { kind: 'clip', name: 'clip', frames: 5, fps: 25, height: 10, width: 10, ...facts } });

test('the frame at a time, at a constant frame rate', () => {
  open({});
  for (let frame = 0; frame < 5; frame += 1) assert.equal(frameAtTime(timeOf(frame)), frame);
  assert.deepEqual([0.039, 0.041, 9].map(frameAtTime), [0, 1, 4]);
});

test('the frame at a time, at a variable frame rate', () => {
  open({ times: [0, 0.5, 0.6, 2, 2.1] });
  for (let frame = 0; frame < 5; frame += 1) assert.equal(frameAtTime(timeOf(frame)), frame);
  assert.deepEqual([0.49, 0.55, 1.9, 9].map(frameAtTime), [0, 1, 2, 4]);
});
