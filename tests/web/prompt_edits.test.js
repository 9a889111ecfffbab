// Prompts as plain data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnlyMask, isSinglePoint, tidyPrompt, withPoints } from '../../ui/web/tools/prompt_edits.js';

/** @type {Prompt} */
const CLICK = { points: [[3, 4, 1]] };
/** @type {Prompt} */
const MASK = { mask: { size: [1, 1], counts: '01' } };

test('points come after those that are there, up to the limit', () => {
  assert.deepEqual(withPoints(CLICK, [[5.04, 6]], true, 8), {
    points: [
      [3, 4, 1],
      [5, 6, 0],
    ],
  });
  assert.deepEqual(
    withPoints(
      { ...CLICK, ...MASK },
      [
        [5, 6],
        [7, 8],
      ],
      false,
      2,
    ),
    {
      ...MASK,
      points: [
        [3, 4, 1],
        [5, 6, 1],
      ],
    },
  );
});

test('empty fields are left out', () => {
  assert.deepEqual(tidyPrompt({ points: [], boxes: [], ...MASK }, {}), MASK);
  assert.deepEqual(tidyPrompt({ points: [], choice: 1 }, {}), {});
});

test('a picked candidate belongs to the first point', () => {
  const picked = /** @type {Prompt} */ ({ ...CLICK, choice: 2 });
  assert.deepEqual(tidyPrompt(picked, CLICK), picked);
  assert.deepEqual(tidyPrompt(withPoints(picked, [[9, 9]], false, 8), picked).choice, 2);
  assert.deepEqual(tidyPrompt({ ...picked, points: [[5, 5, 1]] }, picked), { points: [[5, 5, 1]] });
});

test('kinds of prompts', () => {
  assert.equal(isOnlyMask(MASK), true);
  assert.equal(isOnlyMask({ ...MASK, crop: [0, 0, 1, 1] }), false);
  assert.equal(isSinglePoint({ ...CLICK, choice: 0 }), true);
  assert.equal(isSinglePoint({ ...CLICK, ...MASK }), false);
  assert.equal(isSinglePoint(withPoints(CLICK, [[1, 1]], false, 8)), false);
});
