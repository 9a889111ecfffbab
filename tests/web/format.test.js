// Numbers in words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ago,
  clock,
  duration,
  megabytes,
  percent,
  sizeText,
  waitingText,
  withPercent,
} from '../../ui/web/shared/format.js';

test('times are short', () => {
  assert.equal(clock(0), '0:00.00');
  assert.equal(clock(61.25), '1:01.25');
  assert.deepEqual([0.2, 89, 90].map(duration), ['1 s', '89 s', '2 min']);
  assert.equal(ago(Date.now()), 'just now');
  assert.equal(ago(Date.now() - 3 * 3600e3), '3 hours ago');
});

test('sizes are decimal', () => {
  assert.deepEqual([10, 5e5, 4e6].map(sizeText), ['1 KB', '500 KB', '4.0 MB']);
  assert.equal(megabytes(25e6), '25 MB');
});

test('an unknown fraction has no percentage', () => {
  assert.equal(percent(null), '');
  assert.equal(percent(0.416), '42%');
  assert.equal(withPercent('Reading it…', 0.416), 'Reading it… 42%');
  assert.equal(withPercent('Reading it…', null), 'Reading it…');
});

test('work that tells how long it takes has no second estimate', () => {
  const alone = { position: 0, seconds: 1.2 };
  const behind = { position: 1, seconds: 1.2 };
  assert.equal(waitingText(alone, false), 'Working on it · about 1 s');
  assert.equal(waitingText(behind, false), '1 other is before you · about 1 s');
  assert.equal(waitingText(alone, true), '');
  assert.equal(waitingText(behind, true), '1 other is before you · about 1 s', 'until it is its turn');
});
