// Which place on the timeline belongs to which frame, in CSS pixels.

import { timeline } from '../core/store.js';
import { clamp } from '../shared/values.js';

export const THUMB_WIDTH = 14; // CSS pixels: the slider's thumb; its centre cannot come nearer to the ends than half of it

export const framesAcross = () => Math.max(1, timeline.last - timeline.first);
export const xOf = frame =>
  THUMB_WIDTH / 2 + ((frame - timeline.first) / framesAcross()) * (timeline.width - THUMB_WIDTH);
export const pixelsAFrame = () => (timeline.width - THUMB_WIDTH) / framesAcross();
export const isVisible = frame => frame >= timeline.first && frame <= timeline.last;

// From the left end of one frame to the right end of another, no wider than the rail.
export function extent(from, to) {
  const half = pixelsAFrame() / 2;
  const left = clamp(xOf(from) - half, THUMB_WIDTH / 2, timeline.width - THUMB_WIDTH / 2);
  return [left, clamp(xOf(to) + half, THUMB_WIDTH / 2, timeline.width - THUMB_WIDTH / 2) - left];
}
