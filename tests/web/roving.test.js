import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { placeAfterKey } = await import('../../ui/web/core/roving.js');

test('arrow keys go around, Home and End to the ends', () => {
  assert.equal(placeAfterKey('ArrowRight', 2, 3), 0);
  assert.equal(placeAfterKey('ArrowLeft', 0, 3), 2);
  assert.equal(placeAfterKey('ArrowDown', 0, 3), 1);
  assert.equal(placeAfterKey('Home', 2, 3), 0);
  assert.equal(placeAfterKey('End', 0, 3), 2);
  assert.equal(placeAfterKey('a', 0, 3), undefined);
});
