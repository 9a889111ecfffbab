// The objects of the live camera.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { about } = await import('../../ui/web/core/page.js');
const { LiveObjects } = await import('../../ui/web/panels/live_objects.js');
Object.assign(about, { max_objects: 2, colors: ['#000000'] });

/**
 * @param {number} id
 * @param {number} area
 */
const recordOf = (id, area = 9) => /** @type {MaskRecord} */ ({ id, area });

/**
 * @param {number} revision
 * @param {MaskRecord[]} records
 * @param {number} [object]
 * @returns {LiveMasksMessage}
 */
const masksOf = (revision, records, object) => ({ t: 'live_masks', frame: 0, revision, objects: records, object });

test('clicks on one frame add up, a box and another frame begin anew', () => {
  const objects = new LiveObjects();
  objects.promptWith(4, { point: [1, 2, 1] });
  assert.deepEqual(objects.promptWith(4, { point: [3, 4, 0] }).points, [
    [1, 2, 1],
    [3, 4, 0],
  ]);
  assert.deepEqual(objects.promptWith(5, { point: [5, 6, 1] }).points, [[5, 6, 1]]);
  assert.deepEqual(objects.promptWith(5, { box: [1, 1, 9, 9] }), { boxes: [[1, 1, 9, 9]] });
});

test('masks from before the last answer are passed over', () => {
  const objects = new LiveObjects();
  objects.promptWith(0, { point: [1, 2, 1] });
  const answer = recordOf(1);
  objects.take(masksOf(7, [answer], 1));
  objects.take(masksOf(6, [recordOf(1)]));
  objects.take(masksOf(7, [recordOf(2)])); // removed meanwhile
  assert.equal(objects.byId.get(1)?.record, answer);
  const next = recordOf(1);
  objects.take(masksOf(7, [next]));
  assert.equal(objects.byId.get(1)?.record, next);
  assert.deepEqual([...objects.byId.keys()], [1]);
});

test('a refused prompt leaves no object, and there is a limit', () => {
  const objects = new LiveObjects();
  for (const id of [1, 2]) {
    assert.ok(objects.startNew());
    assert.equal(objects.active, id);
    objects.promptWith(0, { point: [1, 2, 1] });
  }
  assert.ok(!objects.startNew());
  objects.take(masksOf(1, [recordOf(1)], 1));
  objects.dropUnanswered();
  assert.deepEqual([[...objects.byId.keys()], objects.active], [[1], 1]);
});

test('of lost objects those stay whose masks can be set again', () => {
  const objects = new LiveObjects();
  objects.promptWith(0, { point: [1, 2, 1] });
  objects.take(masksOf(9, [recordOf(1)], 1));
  objects.startNew();
  objects.promptWith(0, { point: [5, 5, 1] });
  objects.take(masksOf(10, [recordOf(2, 0)], 2));
  assert.deepEqual(objects.restart([1]), [2]);
  const fresh = recordOf(1);
  objects.take(masksOf(1, [fresh], 1)); // the new session counts from 0
  assert.equal(objects.byId.get(1)?.record, fresh);
});
