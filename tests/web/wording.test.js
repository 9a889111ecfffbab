// Texts in other words where there are only fingers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { touchWords } = await import('../../ui/web/shared/wording.js');

test('keys in brackets are left out, and nothing else in brackets', () => {
  for (const [text, said] of [
    ['Point and box (P)', 'Point and box'],
    ['Paint the mask itself (B, E to erase)', 'Paint the mask itself'],
    ['Take away from the mask (−, right-click or Alt)', 'Take away from the mask'],
    ['Undo (Ctrl+Z)', 'Undo'],
    ['Previous photo (Page Up)', 'Previous photo'],
    ['Size of the brush ([ and ])', 'Size of the brush'],
    ['Fit to the window (0)', 'Fit to the window'],
    ['The number behind it (predicted IoU)', 'The number behind it (predicted IoU)'],
    ['Frame 3: lost (Object 1)', 'Frame 3: lost (Object 1)'],
    ['film.mp4 (320 × 180)', 'film.mp4 (320 × 180)'],
  ])
    assert.equal(touchWords(text), said);
});

test('clicks are taps, but not in names of the user’s', () => {
  assert.equal(touchWords('Click on the thing, right-click beside it.'), 'Tap on the thing, long-press beside it.');
  assert.equal(
    touchWords('Your clicks were applied again where you clicked.'),
    'Your taps were applied again where you tapped.',
  );
  assert.equal(touchWords('Point at it for more.'), 'Hold it for more.');
  assert.equal(touchWords('“click.mp4” is empty. Right-clicking helps.'), '“click.mp4” is empty. Long-pressing helps.');
});
