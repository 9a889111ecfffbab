import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrastingColor, labOf } from '../../ui/web/core/mask_colors.js';

const PALETTE = ['#e69f00', '#56b4e9', '#009e73', '#f0e442'];
/** @param {number[]} color @param {number} [count] */
const plain = (color, count = 16) => Array.from({ length: count }, () => [...color, 255]).flat();

test('white, black and gray are where OKLab has them', () => {
  assert.ok(Math.abs(labOf([255, 255, 255])[0] - 1) < 1e-3);
  assert.deepEqual(labOf([0, 0, 0]).map(Math.abs), [0, 0, 0]);
  assert.ok(
    labOf([128, 128, 128])
      .slice(1)
      .every(value => Math.abs(value) < 1e-3),
  );
});

test('the usual color stays where it is seen', () => {
  assert.equal(contrastingColor('#e69f00', PALETTE, [], plain([20, 30, 90])), '#e69f00');
  assert.equal(contrastingColor('#e69f00', PALETTE, [], []), '#e69f00');
});

test('on orange, another color is chosen, and none that is in use', () => {
  assert.equal(contrastingColor('#e69f00', PALETTE, [], plain([230, 160, 10])), '#56b4e9');
  assert.equal(contrastingColor('#e69f00', PALETTE, ['#56b4e9'], plain([230, 160, 10])), '#009e73');
  assert.notEqual(contrastingColor('#e69f00', PALETTE, PALETTE, plain([230, 160, 10])), '#e69f00');
});
