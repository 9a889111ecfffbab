// Facts about what is open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameAtTime, isExtended, isSameFile, isSameMedium, timeOf } from '../../ui/web/core/media.js';
import { update } from '../../ui/web/core/store.js';

/** @param {Partial<Medium>} facts */
const open = facts =>
  update({ medium: { kind: 'clip', name: 'clip', frames: 5, fps: 25, height: 10, width: 10, ...facts } });

test('the frame at a time, at a constant frame rate', () => {
  open({});
  for (let frame = 0; frame < 5; frame += 1) assert.equal(frameAtTime(timeOf(frame)), frame);
  assert.deepEqual([0.039, 0.041, 9].map(frameAtTime), [0, 1, 4]);
});

test('the frame at a time, at a variable frame rate', () => {
  open({ times: [0, 0.5, 0.6, 2, 2.1] });
  for (let frame = 0; frame < 5; frame += 1) assert.equal(frameAtTime(timeOf(frame)), frame);
  assert.deepEqual([0.49, 0.55, 1.9, 9].map(frameAtTime), [0, 1, 2, 4]);
});

/** @type {Medium} */
const photo = { kind: 'image', name: 'a.png', frames: 1, fps: 0, height: 10, width: 20 };
/**
 * @param {string[]} names
 * @param {[height: number, width: number][]} sizes
 * @returns {Medium}
 */
const album = (names, sizes) => ({ ...photo, kind: 'album', name: names[0], names, sizes, frames: names.length });

test('photos of one size are the same medium, but not the same file', () => {
  const other = { ...photo, name: 'b.png' };
  assert.ok(isSameMedium(photo, other));
  assert.ok(!isSameFile(photo, other));
  assert.ok(isSameFile(photo, { ...photo }));
});

test('photos to which others were added are known again', () => {
  const two = album(
    ['a.png', 'b.png'],
    [
      [10, 20],
      [30, 40],
    ],
  );
  assert.ok(isExtended(two, photo));
  assert.ok(
    isExtended(
      album(
        ['a.png', 'b.png', 'c.png'],
        [
          [10, 20],
          [30, 40],
          [5, 5],
        ],
      ),
      two,
    ),
  );
  assert.ok(!isExtended(two, two));
  assert.ok(
    !isExtended(
      album(
        ['b.png', 'a.png'],
        [
          [10, 20],
          [10, 20],
        ],
      ),
      photo,
    ),
    'another name',
  );
  assert.ok(
    !isExtended(
      album(
        ['a.png', 'b.png'],
        [
          [11, 20],
          [30, 40],
        ],
      ),
      photo,
    ),
    'another size',
  );
  assert.ok(!isExtended(two, { ...photo, kind: 'clip' }));
});
