// Canvases as wide as the timeline, and the frame under a pointer.

import { isClip } from '../core/media.js';
import { find } from '../core/page.js';
import { timeline } from '../core/store.js';
import { contextOf } from '../shared/canvas.js';
import { oncePerFrame } from '../shared/refresh.js';
import { frameAt } from './geometry.js';

export const tracks = find('tracks');

/**
 * A cleared context in CSS pixels on a canvas as wide as the timeline.
 * @param {HTMLCanvasElement} canvas
 * @param {number} height
 */
export function stripContext(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const size = { width: Math.round(timeline.width * ratio), height: Math.round(height * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = contextOf(canvas);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  context.scale(ratio, ratio);
  return context;
}

/**
 * Draws at most once a screen refresh, and only while a clip is open and the timeline is visible.
 * @param {() => void} draw
 */
export const drawSoon = draw =>
  oncePerFrame(() => {
    if (isClip() && timeline.width) draw();
  });

/** @param {{ clientX: number }} event */
export const xUnder = event => event.clientX - tracks.getBoundingClientRect().left;
/** @param {{ clientX: number }} event */
export const frameUnder = event => frameAt(xUnder(event));
