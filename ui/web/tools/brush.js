// The size of the brush, and the circle that shows it under the pointer.

import { find, listen } from '../core/page.js';
import { clamp } from '../shared/values.js';
import { overlayCanvas, toViewport, viewport } from '../viewport/viewport.js';

const MIN_BRUSH = 4;
const MAX_BRUSH = 160; // CSS pixels across
const PREVIEW_TIME = 900; // milliseconds

export const brush = { size: 32 };
const circle = find('brush');
let previewTimer = 0;

/**
 * @param {number} size
 * @param {boolean} [shows] whether the circle shows it for a moment, since no pointer may be over the viewport
 */
export function setBrushSize(size, shows = false) {
  brush.size = clamp(Math.round(size), MIN_BRUSH, MAX_BRUSH);
  find('brush-slider').value = String(brush.size);
  Object.assign(circle.style, { width: `${brush.size}px`, height: `${brush.size}px` });
  if (shows) previewBrush();
}

function previewBrush() {
  circle.style.translate = `${viewport.clientWidth / 2}px ${viewport.clientHeight / 2}px`;
  circle.hidden = false;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => {
    circle.hidden = true;
  }, PREVIEW_TIME);
}

/**
 * @param {PointerEvent} event
 * @param {boolean} isPanning
 */
export function placeBrush(event, isPanning) {
  const { x, y } = toViewport(event);
  clearTimeout(previewTimer);
  circle.hidden = event.pointerType === 'touch' || isPanning;
  circle.style.translate = `${x}px ${y}px`;
}

export function setUpBrush() {
  listen(overlayCanvas, 'pointerleave', () => {
    circle.hidden = true;
  });
  listen(find('brush-slider'), 'input', () => setBrushSize(find('brush-slider').valueAsNumber, true));
}
