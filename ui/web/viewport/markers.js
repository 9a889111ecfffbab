// The layer of points and boxes.

import { objects } from '../core/objects.js';
import { state, view } from '../core/store.js';
import { isPainted, overlayCanvas, overlayContext } from './viewport.js';

export const MARKER = 7;
const HANDLE = 7; // radius of a point, side of a box's handle, in CSS pixels
export const POSITIVE = '#16a34a';
export const NEGATIVE = '#dc2626';

// Whoever only looks at a look sees it without what was clicked.
const isInHand = () => overlayCanvas.matches(':hover, :focus-visible');

export function drawPrompts() {
  if (state.playing || (isPainted() && !isInHand())) return;
  const said = state.log.prompts;
  const drafted = state.draftPrompt?.frame === state.shown.frame ? state.draftPrompt.object : 0;
  for (const object of new Set(drafted ? [...said.keys(), drafted] : said.keys())) {
    const prompt = object === drafted ? state.draftPrompt.prompt : said.get(object).get(state.shown.frame);
    const strong = object === state.active;
    if (!prompt || !objects.isVisible(object)) continue;
    for (const box of prompt.boxes ?? []) drawBox(box, objects.color(object), strong);
    for (const point of prompt.points ?? []) drawPoint(point, strong);
  }
}

function drawBox([left, top, right, bottom], color, strong) {
  for (const [style, width, dash] of [
    ['#000a', 3, []],
    [color, 1.5, strong ? [] : [5, 4]],
  ]) {
    overlayContext.strokeStyle = style;
    overlayContext.lineWidth = width / view.scale;
    overlayContext.setLineDash(dash.map(length => length / view.scale));
    overlayContext.strokeRect(left, top, right - left, bottom - top);
  }
  overlayContext.setLineDash([]);
  if (strong) for (const x of [left, right]) for (const y of [top, bottom]) drawHandle(x, y, color);
}

function drawHandle(x, y, color) {
  const side = HANDLE / view.scale;
  Object.assign(overlayContext, { fillStyle: '#fff', strokeStyle: color, lineWidth: 1.75 / view.scale });
  overlayContext.fillRect(x - side / 2, y - side / 2, side, side);
  overlayContext.strokeRect(x - side / 2, y - side / 2, side, side);
}

function drawPoint([x, y, positive], strong) {
  const radius = (strong ? MARKER : MARKER - 2) / view.scale;
  const arm = radius * 0.5;
  overlayContext.globalAlpha = strong ? 1 : 0.75;
  overlayContext.beginPath();
  overlayContext.arc(x, y, radius, 0, 7);
  overlayContext.fillStyle = positive ? POSITIVE : NEGATIVE;
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
