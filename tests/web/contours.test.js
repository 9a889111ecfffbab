// Outlines of masks as polygons.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringsOf, simplifyRing, smoothRing } from '../../ui/web/shared/contours.js';

/** @param {string[]} rows @returns {[number[], number, number]} */
const mask = (...rows) => [[...rows.join('')].map(each => Number(each === '#')), rows[0].length, rows.length];

test('an outline has the corners of its pixels only', () => {
  assert.deepEqual(ringsOf(...mask('.##', '.##')), [[1, 0, 3, 0, 3, 2, 1, 2]]);
  assert.deepEqual(ringsOf(...mask('##', '#.')), [[0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2]]);
  assert.deepEqual(ringsOf(...mask('..', '..')), []);
});

test('holes have outlines of their own, in the other direction', () => {
  assert.deepEqual(ringsOf(...mask('###', '#.#', '###')), [
    [0, 0, 3, 0, 3, 3, 0, 3],
    [1, 1, 1, 2, 2, 2, 2, 1],
  ]);
});

test('pixels that touch at a corner have two outlines', () => {
  const rings = ringsOf(...mask('#.#', '.#.', '#.#'));
  assert.equal(rings.length, 5);
  assert.ok(rings.every(ring => ring.length === 8));
});

test('the outlines enclose as many pixels as the mask has', () => {
  const [width, height] = [23, 17];
  const pixels = Array.from({ length: width * height }, (_, place) => Number((place * place * 7919) % 11 < 6));
  const area = (/** @type {number[]} */ ring) =>
    ring.reduce((sum, x, at) => {
      if (at % 2) return sum;
      const next = (at + 2) % ring.length;
      return sum + (x * ring[next + 1] - ring[next] * ring[at + 1]) / 2;
    }, 0);
  const enclosed = ringsOf(pixels, width, height).reduce((sum, ring) => sum + area(ring), 0);
  assert.equal(
    enclosed,
    pixels.reduce((sum, pixel) => sum + pixel, 0),
  );
});

test('a staircase becomes a line', () => {
  const stairs = ringsOf(...mask('#...', '##..', '###.', '####'))[0];
  assert.equal(stairs.length, 20);
  assert.deepEqual(simplifyRing(stairs, 0.8).slice(-4), [4, 4, 0, 4]);
  assert.ok(simplifyRing(stairs, 0.8).length <= 10);
  assert.deepEqual(simplifyRing([0, 0, 2, 0, 2, 2, 0, 2], 9), [0, 0, 2, 0, 2, 2, 0, 2]);
});

test('a smooth ring has no steps, does not shrink and keeps small things', () => {
  const side = 80;
  const inDisc = (/** @type {number} */ x, /** @type {number} */ y) => Math.hypot(x - 39.5, y - 39.5) < 30;
  const disc = Array.from({ length: side * side }, (_, at) => Number(inDisc(at % side, Math.floor(at / side))));
  const [ring] = ringsOf(disc, side, side);
  const smooth = smoothRing(ring);
  const radii = smooth.flatMap((x, at) => (at % 2 ? [] : Math.hypot(x - 40, smooth[at + 1] - 40)));
  assert.ok(Math.max(...radii) - Math.min(...radii) < 0.7, `${Math.min(...radii)} to ${Math.max(...radii)}`);
  assert.ok(Math.abs(radii.reduce((sum, each) => sum + each, 0) / radii.length - 30) < 0.4);
  assert.deepEqual(smoothRing([0, 0, 1, 0, 1, 1, 0, 1]), [0.5, 0, 1, 0.5, 0.5, 1, 0, 0.5]);
  const bar = smoothRing([0, 0, 40, 0, 40, 1, 0, 1]);
  assert.ok(
    bar.every((value, at) => at % 2 === 0 || (value > -0.2 && value < 1.2)),
    'a line stays a line',
  );
});
