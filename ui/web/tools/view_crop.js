// The part of the frame that is in view, as the crop of a prompt.

import { frameSize } from '../core/media.js';
import { view } from '../core/store.js';
import { clamp } from '../shared/values.js';
import { viewport } from '../viewport/viewport.js';
import { contains } from './shapes.js';

const MAX_CLICK_SHARE = 0.35; // of the frame in view, for a click to be about what is in view

/** @returns {Box} */
export function cropInView() {
  const { width, height } = frameSize();
  const { clientWidth, clientHeight } = viewport;
  const left = clamp(Math.floor(-view.x / view.scale), 0, width - 1);
  const top = clamp(Math.floor(-view.y / view.scale), 0, height - 1);
  const right = clamp(Math.ceil((clientWidth - view.x) / view.scale), left + 1, width);
  const bottom = clamp(Math.ceil((clientHeight - view.y) / view.scale), top + 1, height);
  return [left, top, right, bottom];
}

/**
 * The share of the frame that a crop covers.
 * @param {Box} crop
 */
export function shareOf([left, top, right, bottom]) {
  const { width, height } = frameSize();
  return ((right - left) * (bottom - top)) / (width * height);
}

/**
 * Zoomed in, a prompt is answered for what is in view. A prompt holds one crop: one elsewhere stays.
 * @param {Prompt} prompt
 * @returns {Prompt}
 */
export function withCropInView(prompt) {
  const crop = cropInView();
  const replaces = !prompt.crop || contains(crop, /** @type {Box} */ (prompt.crop));
  return shareOf(crop) <= MAX_CLICK_SHARE && replaces ? { ...prompt, crop } : prompt;
}
