// Which masks look wrong, by the warnings of the server, and in which words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REASONS } from '../../ui/web/shared/ratings.js';
import { describeChecks, nextAfter, suspicionOf, worstFrames } from '../../ui/web/timeline/quality.js';

test('a mask is as suspicious as the worst of its warnings', () => {
  assert.deepEqual(suspicionOf({ warnings: [] }), { score: 0, reason: '' });
  /** @type {MaskFacts['warnings']} */
  const warnings = [
    { kind: 'area', score: 0.3 },
    { kind: 'pieces', score: 0.9 },
    { kind: 'low_iou', score: 0.6 },
  ];
  assert.deepEqual(suspicionOf({ warnings }), { score: 0.9, reason: REASONS.pieces });
});

test('a mask that was not checked is not called unsuspicious', () => {
  assert.equal(suspicionOf({}), undefined);
});

test('where no check found anything, the sentence names what was not checked', () => {
  const nothing = 'The checks found nothing on 89 frames. They can miss a mistake: play it once.';
  assert.equal(describeChecks({ checked: 89, unchecked: 0, untracked: 0 }), nothing);
  assert.equal(
    describeChecks({ checked: 89, unchecked: 1, untracked: 30 }),
    `${nothing} Not looked at: out of date or not checked: 1 frame, not tracked: 30 frames.`,
  );
  assert.equal(
    describeChecks({ checked: 0, unchecked: 4, untracked: 0 }),
    'Nothing was checked. Not looked at: out of date or not checked: 4 frames.',
  );
});

test('of each run of suspicious frames the worst one is shown', () => {
  assert.deepEqual(worstFrames([]), []);
  assert.deepEqual(worstFrames([0, 0.4, 0.49]), []);
  assert.deepEqual(worstFrames([0.6, 0.9, 0.7, 0, 0.5]), [1, 4]);
  assert.deepEqual(worstFrames([1, 0.5, 0.5, 1]), [0]);
  assert.deepEqual(worstFrames([0, 0, 1]), [2]);
});

test('the next frame is looked for around the end', () => {
  const steps = [
    [0, 1],
    [4, 1],
    [9, 1],
    [20, 1],
    [20, -1],
    [9, -1],
    [4, -1],
  ];
  assert.deepEqual(
    steps.map(([frame, step]) => nextAfter([4, 9], frame, step)),
    [4, 9, 4, 4, 9, 4, 9],
  );
});
