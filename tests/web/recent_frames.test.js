// What is kept of frames while others are looked at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentFrames } from '../../ui/web/core/recent_frames.js';

test('the frames that were looked at last are kept', () => {
  const frames = new RecentFrames(2);
  frames.keep(0, 'zero');
  frames.keep(1, 'one');
  frames.keep(0, 'nought');
  frames.keep(2, 'two');
  assert.equal(frames.take(1), undefined);
  assert.equal(frames.take(0), 'nought');
  assert.equal(frames.take(0), undefined);
  frames.clear();
  assert.equal(frames.take(2), undefined);
});
