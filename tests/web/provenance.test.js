// Who made a mask, and what is told about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { describeFit } = await import('../../ui/web/core/provenance.js');
const { state } = await import('../../ui/web/core/store.js');

test('a mask that was proposed keeps the fit that it was proposed with, until a person changes it', () => {
  const asPrompt = { predicted_iou: 1 };
  state.log.add([
    { frame: 0, object: 1, prompt: { mask: { size: [2, 2], counts: '04' } } },
    { traits: 1, set: { stage: 'automatic', source: 'automatic', predicted_iou: 0.25 } },
  ]);
  assert.equal(describeFit(1, 0, asPrompt), 'fit 25%');
  assert.equal(describeFit(1, 1, { predicted_iou: 0.8 }), 'fit 80%'); // tracked
  state.log.add([{ traits: 1, set: { source: 'person' } }]);
  assert.equal(describeFit(1, 0, asPrompt), 'fit 100%');
  assert.equal(describeFit(2, 0, { predicted_iou: 1.2 }), 'fit 100%');
});
