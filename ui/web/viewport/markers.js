// The layer of points and boxes.

import { objects } from '../core/objects.js';
import { state, view } from '../core/store.js';
import { isPainted, overlayCanvas, overlayContext } from './viewport.js';

export const POINT_RADIUS = 7; // CSS pixels
const HANDLE_SIDE = 7; // CSS pixels
export const POSITIVE_COLOR = '#16a34a';
export const NEGATIVE_COLOR = '#dc2626';

// An effect preview is shown without prompts unless the pointer or the focus is on it.
const isInUse = () => overlayCanvas.matches(':hover, :focus-visible');

export function drawPrompts() {
  if (state.playing || (isPainted() && !isInUse())) return;
  const { log, shown, active } = state;
  const draft = state.draftPrompt?.frame === shown.frame ? state.draftPrompt : null;
  for (const object of new Set([...log.prompts.keys(), ...(draft ? [draft.object] : [])])) {
    if (!objects.isVisible(object)) continue;
    const { boxes = [], points = [] } = object === draft?.object ? draft.prompt : log.prompt(shown.frame, object);
    const isActive = object === active;
    for (const box of boxes) drawBox(box, objects.color(object), isActive);
    for (const point of points) drawPoint(point, isActive);
  }
}

/**
 * @param {Box} box
 * @param {string} color
 * @param {boolean} isActive
 */
function drawBox([left, top, right, bottom], color, isActive) {
  const dash = isActive ? [] : [5 / view.scale, 4 / view.scale];
  const strokeBox = (/** @type {string} */ style, /** @type {number} */ width) => {
    Object.assign(overlayContext, { strokeStyle: style, lineWidth: width / view.scale });
    overlayContext.strokeRect(left, top, right - left, bottom - top);
  };
  strokeBox('#000a', 3);
  overlayContext.setLineDash(dash);
  strokeBox(color, 1.5);
  overlayContext.setLineDash([]);
  if (isActive) for (const x of [left, right]) for (const y of [top, bottom]) drawHandle(x, y, color);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} color
 */
function drawHandle(x, y, color) {
  const side = HANDLE_SIDE / view.scale;
  Object.assign(overlayContext, { fillStyle: '#fff', strokeStyle: color, lineWidth: 1.75 / view.scale });
  overlayContext.fillRect(x - side / 2, y - side / 2, side, side);
  overlayContext.strokeRect(x - side / 2, y - side / 2, side, side);
}

/**
 * @param {Point} point
 * @param {boolean} isActive
 */
function drawPoint([x, y, positive], isActive) {
  const radius = (isActive ? POINT_RADIUS : POINT_RADIUS - 2) / view.scale;
  const arm = radius * 0.5;
  overlayContext.globalAlpha = isActive ? 1 : 0.75;
  overlayContext.beginPath();
  overlayContext.arc(x, y, radius, 0, 7);
  overlayContext.fillStyle = positive ? POSITIVE_COLOR : NEGATIVE_COLOR;
  overlayContext.strokeStyle = '#fff';
  overlayContext.lineWidth = 2 / view.scale;
  overlayContext.fill();
  overlayContext.stroke();
  overlayContext.lineWidth = 1.75 / view.scale;
  overlayContext.beginPath();
  overlayContext.moveTo(x - arm, y);
  overlayContext.lineTo(x + arm, y);
  if (positive) {
    overlayContext.moveTo(x, y - arm);
    overlayContext.lineTo(x, y + arm);
  }
  overlayContext.stroke();
  overlayContext.globalAlpha = 1;
}
