// The filter for automatic masks, on the table that the one on the server is tested on, too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { filterMasks } from '../../ui/web/core/automatic_masks.js';

/** @typedef {{ id: number, predicted_iou: number, stability: number, place: Place, crop: Box }} CaseMask */
/** @typedef {import('../../ui/web/core/automatic_masks.js').MaskFilter} MaskFilter */
/** @type {{ name: string, size: [number, number], masks: CaseMask[], filter: MaskFilter, shown: number[] }[]} */
const CASES = JSON.parse(readFileSync(new URL('../automatic_mask_cases.json', import.meta.url), 'utf8'));

for (const { name, size, masks, filter, shown } of CASES) {
  test(name, () => {
    const rectangles = masks.map(mask => ({ ...mask, area: mask.place[2] * mask.place[3] }));
    const kept = filterMasks(rectangles, filter, { height: size[0], width: size[1] });
    assert.deepEqual(
      kept.map(index => masks[index].id),
      shown,
    );
  });
}
