// The color of a new object, chosen against the picture where its first prompt is.

import { contrastingColor } from '../core/mask_colors.js';
import { frameSize } from '../core/media.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';

const SIDE = 16; // pixels of the sample
const REACH = 0.08; // of the frame's shorter side, around a point

/**
 * @param {Prompt} prompt
 * @param {number} frame
 * @returns {Box | null}
 */
function regionOf({ points, boxes }, frame) {
  if (boxes?.length) return boxes[0];
  const point = points?.find(([, , positive]) => positive);
  if (!point) return null;
  const { width, height } = frameSize(frame);
  const reach = REACH * Math.min(width, height);
  return [point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach];
}

/**
 * The traits entry that gives a new object a color of its own; none where the usual one can be seen.
 * @param {number} frame
 * @param {number} object
 * @param {Prompt} prompt
 * @returns {TraitsEntry[]}
 */
export function newColor(frame, object, prompt) {
  const { bitmap } = state.shown;
  const isNew = !state.log.prompts.has(object) && !state.log.traits.get(object)?.color;
  const region = isNew && bitmap && state.shown.frame === frame && regionOf(prompt, frame);
  if (!region) return [];
  const { width, height } = frameSize(frame);
  const [left, top] = [Math.max(0, region[0]), Math.max(0, region[1])];
  const [right, bottom] = [Math.min(width, region[2]), Math.min(height, region[3])];
  const scale = bitmap.width / width; // large frames are shown smaller
  const [, context] = canvasOf(SIDE, SIDE);
  const part = /** @type {const} */ ([left * scale, top * scale, (right - left) * scale, (bottom - top) * scale]);
  context.drawImage(bitmap, ...part, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const usual = objects.traits(object).color;
  const used = [...state.log.prompts.keys()].map(other => objects.traits(other).color);
  const color = contrastingColor(usual, about.colors, used, data);
  return color === usual ? [] : [{ traits: object, set: { color } }];
}
