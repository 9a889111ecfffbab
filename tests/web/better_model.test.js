// When the page offers a better network, and what it says about the networks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { BetterOffer } = await import('../../ui/web/core/better_model.js');
const { qualityText, sizeText, speedText, workText } = await import('../../ui/web/core/model_facts.js');

/**
 * @param {'fetching' | 'ready' | 'failed'} state
 * @returns {import('../../ui/web/protocol.js').BetterModelEvent}
 */
const event = (state, message = '') => ({
  t: 'better_model',
  state,
  name: 'sam2.1_hiera_tiny',
  title: 'SAM 2.1 tiny',
  replaces: 'nano',
  megabytes: 156,
  fraction: null,
  message,
});
const READY = { text: 'Better masks are ready.', action: 'Use SAM 2.1 tiny' };
const POOR_AND_READY = { text: 'This mask looks poor. Better masks are ready.', action: 'Use SAM 2.1 tiny' };

test('it is offered once it is ready, and only in the place of the one that it is better than', () => {
  const offer = new BetterOffer();
  assert.equal(offer.shown('nano'), null);
  for (const state of /** @type {const} */ (['fetching', 'failed'])) {
    assert.equal(offer.take(event(state)), false);
    assert.equal(offer.shown('nano'), null);
  }
  assert.equal(offer.take(event('ready')), false);
  assert.deepEqual(offer.shown('nano'), READY);
  assert.equal(offer.shown('sam2.1_hiera_tiny'), null);
  assert.equal(offer.shown('sam2.1_hiera_large'), null);
  assert.equal(offer.accept(), 'change');
  assert.equal(offer.shown('nano'), null, 'while the change is under way');
});

test('whoever does not want it is asked once more when a mask looks poor, and never again', () => {
  const offer = new BetterOffer();
  offer.take(event('ready'));
  offer.close();
  assert.equal(offer.shown('nano'), null);
  offer.see(false, true);
  assert.equal(offer.shown('nano'), null);
  offer.see(true, true);
  assert.deepEqual(offer.shown('nano'), POOR_AND_READY);
  offer.see(false, false); // other frames of a clip do not take it back
  assert.deepEqual(offer.shown('nano'), POOR_AND_READY);
  offer.close();
  offer.see(true, true);
  assert.equal(offer.shown('nano'), null);
});

test('a good answer takes back what was said of the mask before', () => {
  const offer = new BetterOffer();
  offer.take(event('ready'));
  offer.see(true, true);
  assert.deepEqual(offer.shown('nano'), POOR_AND_READY);
  offer.see(false, true);
  assert.deepEqual(offer.shown('nano'), READY);
  offer.see(true, true);
  assert.deepEqual(offer.shown('nano'), READY, 'it is said once');
});

test('whoever wants it before it is there changes to it as soon as it is', () => {
  const offer = new BetterOffer();
  offer.take(event('fetching'));
  offer.see(true, true);
  assert.deepEqual(offer.shown('nano'), {
    text: 'This mask looks poor. SAM 2.1 tiny, which makes better ones, is on its way.',
    action: 'Use it then',
  });
  assert.equal(offer.accept(), 'wait');
  assert.deepEqual(offer.shown('nano'), { text: 'SAM 2.1 tiny is used as soon as it is here.', action: '' });
  offer.take(event('failed', 'There is no connection.'));
  assert.deepEqual(offer.shown('nano'), {
    text: 'SAM 2.1 tiny could not be downloaded.',
    action: 'Try again',
  });
  assert.equal(offer.accept(), 'retry');
  assert.equal(offer.take(event('fetching')), false);
  assert.equal(offer.take(event('ready')), true);
  assert.equal(offer.take(event('ready')), false, 'it changes once');
});

test('a download that has failed is offered nobody, and closing gives up what was wanted', () => {
  const offer = new BetterOffer();
  offer.take(event('failed', 'The disk is too full.'));
  offer.see(true, false);
  assert.equal(offer.shown('nano'), null);
  offer.take(event('fetching'));
  assert.equal(offer.accept(), 'wait');
  offer.close();
  assert.equal(offer.take(event('ready')), false);
  assert.deepEqual(offer.shown('nano'), READY);
});

const TINY = /** @type {const} */ ({
  name: 'sam2.1_hiera_tiny',
  title: 'SAM 2.1 tiny',
  weights: 'remote',
  loaded: false,
  parameters: 39,
  megabytes: 156,
  licence: 'Apache 2.0, from Meta',
  picture: 85.3,
  frame: 144.1,
  quality: 'Very good',
  figure: '76.5 J&F on SA-V test',
  source: 'SAM 2 repository',
});

test('speeds that were measured come before estimates, which are marked', () => {
  const estimated = { photo_seconds: 0.63, frames_per_second: 0.52 };
  assert.equal(speedText(TINY), '');
  assert.equal(speedText({ ...TINY, estimated }), 'Estimate: about 0.63 s for a photo, 0.52 frames/s to track');
  assert.equal(
    speedText({ ...TINY, estimated, measured: { photo_seconds: 1.26 } }),
    'Measured here: 1.3 s for a photo · Estimate: about 0.52 frames/s to track',
  );
  assert.equal(
    speedText({ ...TINY, estimated, measured: { photo_seconds: 12.4, frames_per_second: 3.3 } }),
    'Measured here: 12 s for a photo, 3.3 frames/s to track',
  );
  assert.equal(speedText({ ...TINY, estimated: { photo_seconds: 2 } }), 'Estimate: about 2.0 s for a photo');
});

test('quality has words, and a figure with its source where one was published', () => {
  assert.equal(qualityText(TINY), 'Quality: Very good · 76.5 J&F on SA-V test (SAM 2 repository)');
  assert.equal(qualityText({ ...TINY, figure: undefined, source: undefined }), 'Quality: Very good');
  const own = /** @type {const} */ ({ name: 'ours', title: 'ours', weights: 'own', loaded: true });
  assert.equal(`${qualityText(own)}${sizeText(own)}${workText(own)}`, '');
  assert.equal(sizeText(TINY), '39 M parameters · 156 MB · Apache 2.0, from Meta');
  assert.equal(workText(TINY), 'Work: 85× nano for a picture, 144× to track');
  assert.equal(workText({ ...TINY, frame: undefined }), 'Work: 85× nano for a picture, for pictures only');
  assert.equal(workText({ ...TINY, picture: 1, frame: 1 }), 'The least work');
});
