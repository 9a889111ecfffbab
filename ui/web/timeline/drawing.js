// Canvases as wide as the timeline, and the frame under a pointer.

import { isClip } from '../core/media.js';
import { find } from '../core/page.js';
import { timeline } from '../core/store.js';
import { oncePerFrame } from '../shared/refresh.js';
import { clamp } from '../shared/values.js';
import { pixelsAFrame, THUMB_WIDTH } from './geometry.js';

export const tracks = find('tracks');

// A canvas as wide as the rail with a pen in CSS pixels.
export function contextOf(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(timeline.width * ratio);
  const high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext('2d');
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, wide, high);
  pen.scale(ratio, ratio);
  return pen;
}

// Draws at most once a screen refresh, and only while a clip is open and the timeline can be seen.
export const drawSoon = draw =>
  oncePerFrame(() => {
    if (isClip() && timeline.width) draw();
  });

export const frameUnder = event => {
  const x = event.clientX - tracks.getBoundingClientRect().left;
  return clamp(Math.round(timeline.first + (x - THUMB_WIDTH / 2) / pixelsAFrame()), timeline.first, timeline.last);
};
