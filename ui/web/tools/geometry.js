// Positions in the frame, and what a click there means.

import { frameSize } from '../core/media.js';
import { state } from '../core/store.js';
import { clamp } from '../shared/values.js';

/** @param {MouseEvent} event */
export function isNegative(event) {
  return event.button === 2 || event.buttons === 2 || event.altKey ? state.adding : !state.adding;
}

/**
 * @param {Position} position
 * @returns {Position}
 */
export function clampToFrame([x, y]) {
  const { width, height } = frameSize();
  return [clamp(x, 0, width), clamp(y, 0, height)];
}

/** @param {Position} position */
export function isInFrame([x, y]) {
  const { width, height } = frameSize();
  return x >= 0 && y >= 0 && x < width && y < height;
}
