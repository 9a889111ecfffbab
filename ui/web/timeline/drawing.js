import { isClip } from '../core/media.js';
import { find } from '../core/page.js';
import { timeline } from '../core/store.js';
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

// Work that is done at most once a screen refresh, however often it is wished for.
export function oncePerFrame(work) {
  let waiting = false;
  return () => {
    if (waiting || !isClip()) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (isClip() && timeline.width) work();
    });
  };
}

export const frameUnder = event => {
  const x = event.clientX - tracks.getBoundingClientRect().left;
  return clamp(Math.round(timeline.first + (x - THUMB_WIDTH / 2) / pixelsAFrame()), timeline.first, timeline.last);
};
