// What the page knows of masks, without their pixels.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ABSENT, MASKED, MaskCache, STALE, UNKNOWN } from '../../ui/web/viewport/masks.js';

/** @param {Partial<MaskRecord>} [fields] @returns {MaskRecord} */
const record = (fields = {}) => ({
  id: 1,
  png: new Blob(),
  place: [0, 0, 8, 8],
  bytes: 1000,
  area: 20,
  predicted_iou: 0.5,
  object_score: 3,
  stale: false,
  fresh: false,
  ...fields,
});

test('lanes tell masks, absence and stale masks apart', () => {
  const masks = new MaskCache(5);
  masks.put(0, 1, record());
  masks.put(1, 1, record({ area: 0 }));
  masks.put(2, 1, record({ stale: true }));
  masks.put(3, 1, record());
  masks.remove(3, 1);
  assert.deepEqual([...masks.lane(1)], [MASKED, ABSENT, STALE, UNKNOWN, UNKNOWN]);
  assert.equal(masks.bytes, 3000);
  assert.equal(masks.any(), true);
});

test('a prompt outdates what surrounds it, and the server has the last word', () => {
  const masks = new MaskCache(5);
  for (const frame of [0, 1, 2, 3]) masks.put(frame, 1, record({ area: frame && 20 }));
  masks.outdate(1, 0, 4, 2);
  assert.deepEqual([...masks.lane(1)], [STALE, STALE, MASKED, STALE, UNKNOWN]);
  masks.setStale(1, [[3, 3]]);
  assert.deepEqual([...masks.lane(1)], [ABSENT, MASKED, MASKED, STALE, UNKNOWN]);
});

test('a mask that is older than the answer to the last prompt is outdated', () => {
  const masks = new MaskCache(2);
  masks.answers.set('0/1', 7);
  assert.deepEqual(
    [masks.isOutdated(0, 1, 6), masks.isOutdated(0, 1, 7), masks.isOutdated(1, 1, 6)],
    [true, false, false],
  );
});

test('the oldest PNGs go when there are too many, what is known of them stays', () => {
  const masks = new MaskCache(3);
  for (const frame of [0, 1, 2]) masks.put(frame, 1, record({ bytes: 40e6, area: 5 + frame }));
  assert.equal(masks.on(0).size, 0);
  assert.equal(masks.facts(1, 0)?.area, 5);
  assert.equal(masks.misses(0), true);
  masks.asked.add(0);
  assert.deepEqual([masks.misses(0), masks.misses(1)], [false, false]);
});

test('a removed object leaves nothing', () => {
  const masks = new MaskCache(3);
  masks.put(0, 1, record());
  masks.put(1, 1, record());
  masks.removeTracked([1, 2], [1]);
  assert.equal(masks.facts(1, 1), undefined);
  masks.removeObject(1);
  assert.deepEqual([masks.bytes, masks.lanes.size, masks.any()], [0, 0, false]);
});

test('a mask that cannot be decoded has no sprite, rejects nothing and is tried again', async () => {
  const decode = mock.fn(() => Promise.reject(new Error('cannot be decoded')));
  Object.assign(globalThis, { createImageBitmap: decode });
  const masks = new MaskCache(1);
  const damaged = record({ png: new Blob(['not a PNG']) });
  const sprite = () => masks.sprite(damaged, '#ff0000', null);
  assert.deepEqual(await Promise.all([sprite(), sprite()]), [null, null]);
  assert.equal(decode.mock.callCount(), 1);
  assert.equal(await sprite(), null);
  assert.equal(decode.mock.callCount(), 2);
});
