// Points without a mouse: a cross-hair that the arrows move.

import { frameSize } from '../core/media.js';
import { announce } from '../core/notices.js';
import { listen } from '../core/page.js';
import { state, update, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { drawOverlay, overlayCanvas, overlayContext, pan, viewport } from '../viewport/viewport.js';
import { clampToFrame } from './geometry.js';
import { gripAt, pointTool, REACH } from './points.js';

const CROSSHAIR_STEP = 4; // CSS pixels; ten times as many with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let lastCrosshair = null; // where it was

export function setCrosshair(shows) {
  const { width, height } = frameSize();
  lastCrosshair = state.crosshair ?? lastCrosshair;
  update({ crosshair: shows ? clampToFrame(lastCrosshair ?? [width / 2, height / 2]) : null });
  if (shows) overlayCanvas.focus({ preventScroll: true });
  announce(
    shows
      ? 'Cross-hair: the arrows move it, Enter says that this belongs to the object, Shift+Enter that it does not, Escape ends.'
      : 'The cross-hair is gone.',
  );
  drawOverlay();
}

function moveCrosshair([dx, dy], times) {
  const step = Math.max(1, CROSSHAIR_STEP / view.scale) * times;
  const { width, height } = frameSize();
  update({
    crosshair: [
      clamp(state.crosshair[0] + dx * step, 0, width - 0.5),
      clamp(state.crosshair[1] + dy * step, 0, height - 0.5),
    ],
  });
  bringIntoView(state.crosshair);
  announce(`${Math.round(state.crosshair[0])} from the left, ${Math.round(state.crosshair[1])} from the top`);
  drawOverlay();
}

function bringIntoView([x, y]) {
  const [left, top] = [view.x + x * view.scale, view.y + y * view.scale];
  const margin = 24;
  const dx = clamp(left, margin, viewport.clientWidth - margin) - left;
  const dy = clamp(top, margin, viewport.clientHeight - margin) - top;
  if (dx || dy) pan(dx, dy);
}

function placePoint(negative) {
  const grip = gripAt(state.crosshair, REACH);
  const { frame, active: object } = state;
  pointTool.click(
    { grip: grip?.kind === 'point' ? grip : null, from: state.crosshair, negative, frame, object },
    performance.now(),
  );
  announce(
    grip?.kind === 'point' ? 'The point is removed' : negative ? 'This does not belong to it' : 'This belongs to it',
  );
}

export function drawCrosshair() {
  if (!state.crosshair || state.playing) return;
  const [x, y] = state.crosshair;
  const arm = 18 / view.scale;
  const gap = 4 / view.scale;
  for (const [style, width] of [
    ['#000c', 4],
    ['#fff', 1.75],
  ]) {
    Object.assign(overlayContext, { strokeStyle: style, lineWidth: width / view.scale });
    overlayContext.beginPath();
    for (const [dx, dy] of Object.values(ARROWS)) {
      overlayContext.moveTo(x + dx * gap, y + dy * gap);
      overlayContext.lineTo(x + dx * arm, y + dy * arm);
    }
    overlayContext.stroke();
  }
}

export function setUpCrosshair() {
  listen(overlayCanvas, 'keydown', event => {
    if (!state.crosshair || event.ctrlKey || event.metaKey || event.altKey) return;
    if (ARROWS[event.key]) moveCrosshair(ARROWS[event.key], event.shiftKey ? 10 : 1);
    else if (event.key === 'Enter') placePoint(event.shiftKey);
    else if (event.key === 'Escape') setCrosshair(false);
    else return;
    event.preventDefault();
  });
  listen(overlayCanvas, 'pointerdown', () => {
    if (state.crosshair) setCrosshair(false);
  });
  listen(overlayCanvas, 'blur', () => {
    if (state.crosshair) setCrosshair(false);
  });
  on('medium', () => {
    update({ crosshair: null });
    lastCrosshair = null;
  });
  on('frame', () => {
    update({ crosshair: state.crosshair && clampToFrame(state.crosshair) });
  }); // photos of an album differ in size
}
