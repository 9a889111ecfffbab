import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partAround } from '../../ui/web/viewport/sprites.js';

const FRAME = { width: 200, height: 100 };

test('a thumbnail shows a mask with a margin', () => {
  assert.deepEqual(partAround([80, 30, 40, 20], FRAME), [75, 15, 50]);
});

test('it stays within the frame', () => {
  assert.deepEqual(partAround([0, 0, 40, 20], FRAME), [0, 0, 50]);
  assert.deepEqual(partAround([190, 90, 4, 4], FRAME), [176, 76, 24]);
});

test('where the mask is as large as the frame, the frame is centered', () => {
  assert.deepEqual(partAround([0, 0, 200, 100], FRAME), [0, -50, 200]);
  assert.deepEqual(partAround([0, 0, 200, 100], FRAME, 2), [0, 0, 200]);
});
