// The cache of masks.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { MaskCache } from '../../ui/web/viewport/masks.js';

/** @type {CandidateMask} */
const record = { png: new Blob(['not a PNG']), place: [0, 0, 4, 4], area: 9, bytes: 9, predicted_iou: 0.9 };

test('a mask that cannot be decoded has no sprite, rejects nothing and is tried again', async () => {
  const decode = mock.fn(() => Promise.reject(new Error('cannot be decoded')));
  Object.assign(globalThis, { createImageBitmap: decode });
  const masks = new MaskCache(1);
  assert.deepEqual(
    await Promise.all([masks.sprite(record, '#ff0000', 1, null), masks.sprite(record, '#ff0000', 1, null)]),
    [null, null],
  );
  assert.equal(decode.mock.callCount(), 1);
  assert.equal(await masks.sprite(record, '#ff0000', 1, null), null);
  assert.equal(decode.mock.callCount(), 2);
});
