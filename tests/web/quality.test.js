// The rule that says which masks look wrong, as a table.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAfter, suspicionOf, worstFrames } from '../../ui/web/timeline/quality.js';

const PIXELS = 100 * 200;
/** @type {MaskFacts} */
const ABSENT = { predicted_iou: 0.9, object_score: -6, area: 0 };

/**
 * @param {Partial<MaskFacts>} [changes]
 * @returns {MaskFacts}
 */
const mask = changes => ({ predicted_iou: 0.9, object_score: 6, area: 1000, ...changes });
/** @param {number} area */
const sized = area => mask({ area });

/** @type {[facts: MaskFacts, before: MaskFacts[], after: MaskFacts | undefined, min: number, max: number, reason: string][]} */
const cases = [
  [mask(), [mask(), mask(), mask()], mask(), 0, 0.01, 'lost'],
  [mask(), [], undefined, 0, 0.01, 'lost'],
  [ABSENT, [mask()], undefined, 1, 1, 'lost'],
  [ABSENT, [ABSENT], mask(), 1, 1, 'lost'],
  [ABSENT, [ABSENT], ABSENT, 0.5, 0.5, 'lost'],
  [ABSENT, [], undefined, 0.5, 0.5, 'lost'],
  [mask({ object_score: 0 }), [mask()], mask(), 0.5, 0.5, 'lost'],
  [mask({ object_score: -3 }), [mask()], mask(), 0.9, 1, 'lost'],
  [mask({ predicted_iou: 0.6 }), [mask()], mask(), 0.49, 0.51, 'low predicted IoU'],
  [mask({ predicted_iou: 0.2 }), [mask()], mask(), 1, 1, 'low predicted IoU'],
  [sized(1300), [mask()], mask(), 0, 0.01, 'lost'],
  [sized(2200), [mask()], sized(2200), 0.5, 0.6, 'area jumped'],
  [sized(4000), [mask(), mask(), mask()], mask(), 1, 1, 'area jumped'],
  [sized(250), [mask()], mask(), 1, 1, 'area jumped'],
  [sized(1000), [sized(9000), mask(), mask()], mask(), 0, 0.01, 'lost'],
  [sized(4000), [sized(4000), mask(), mask()], sized(4000), 1, 1, 'area jumped'],
  [sized(4000), [ABSENT, ABSENT, ABSENT], mask(), 0, 0.01, 'lost'],
  [sized(2), [sized(6)], sized(3), 0, 0.3, 'area jumped'],
  [sized(15000), [sized(14500)], sized(15000), 0, 0.01, 'lost'],
  [sized(16500), [sized(16000)], sized(16000), 0.49, 0.51, 'covers the frame'],
  [sized(18500), [sized(18000)], sized(18000), 1, 1, 'covers the frame'],
  [sized(20000), [mask()], mask(), 1, 1, 'covers the frame'],
];

for (const [facts, before, after, min, max, wanted] of cases) {
  test(`a mask is as suspicious as the worst of its signs: ${JSON.stringify([facts, before, after])}`, () => {
    const { score, reason } = suspicionOf(facts, before, after, PIXELS);
    assert.ok(min <= score && score <= max, `${score}`);
    assert.equal(reason, wanted);
  });
}

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
