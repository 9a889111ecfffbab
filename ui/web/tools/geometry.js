// Places in the frame, and what a click there means.

import { frameSize } from '../core/media.js';
import { state } from '../core/store.js';
import { clamp } from '../shared/values.js';

export function isNegative(event) {
  return event.button === 2 || event.buttons === 2 || event.altKey ? state.adding : !state.adding;
}

export function clampToFrame([x, y]) {
  const { width, height } = frameSize();
  return [clamp(x, 0, width), clamp(y, 0, height)];
}

export function isInFrame([x, y]) {
  const { width, height } = frameSize();
  return x >= 0 && y >= 0 && x < width && y < height;
}

export const roundToTenth = place => place.map(value => Math.round(value * 10) / 10); // tenths of a pixel are enough
