// Which position on the timeline belongs to which frame, in CSS pixels.

import { timeline } from '../core/store.js';
import { clamp } from '../shared/values.js';

/** CSS pixels of the slider's thumb, whose center cannot come nearer to the ends of the timeline than half of it. */
export const THUMB_WIDTH = 14;

/** From the first visible frame to the last one. */
export const visibleSpan = () => Math.max(1, timeline.last - timeline.first);
/** @param {number} frame */
export const xOf = frame => THUMB_WIDTH / 2 + (frame - timeline.first) * pixelsPerFrame();
/** @param {number} x */
export const frameAt = x =>
  clamp(Math.round(timeline.first + (x - THUMB_WIDTH / 2) / pixelsPerFrame()), timeline.first, timeline.last);
export const pixelsPerFrame = () => (timeline.width - THUMB_WIDTH) / visibleSpan();
/** @param {number} frame */
export const isVisible = frame => frame >= timeline.first && frame <= timeline.last;

/**
 * From the left end of one frame to the right end of another, within the timeline.
 * @param {number} first
 * @param {number} last
 * @returns {[left: number, width: number]}
 */
export function extent(first, last) {
  const half = pixelsPerFrame() / 2;
  const left = clamp(xOf(first) - half, THUMB_WIDTH / 2, timeline.width - THUMB_WIDTH / 2);
  return [left, clamp(xOf(last) + half, THUMB_WIDTH / 2, timeline.width - THUMB_WIDTH / 2) - left];
}
