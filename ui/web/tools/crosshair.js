// Points without a mouse: a cross-hair that the arrow keys move.

import { frameSize } from '../core/media.js';
import { announce } from '../core/notices.js';
import { listen } from '../core/page.js';
import { state, update, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { drawOverlay, overlayCanvas, overlayContext, pan, viewport } from '../viewport/viewport.js';
import { automatic } from './automatic_masks.js';
import { clampToFrame } from './geometry.js';
import { clickAt, gripAt, REACH } from './points.js';

const STEP = 4; // CSS pixels; ten times as many with Shift
const MIN_MARGIN = 24; // CSS pixels to the edge of the viewport
/** @type {Record<string, [dx: number, dy: number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Position | null} where it was when it was last shown */
let lastPosition = null;

/** @param {boolean} shows */
export function setCrosshair(shows) {
  const { width, height } = frameSize();
  lastPosition = state.crosshair ?? lastPosition;
  update({ crosshair: shows ? clampToFrame(lastPosition ?? [width / 2, height / 2]) : null });
  if (shows) overlayCanvas.focus({ preventScroll: true });
  announce(
    shows
      ? tr(
          'Cross-hair: the arrows move it, Enter says that this belongs to the object, Shift+Enter that it does not, Escape ends.',
        )
      : tr('The cross-hair is gone.'),
  );
  drawOverlay();
}

/**
 * @param {Position} from
 * @param {[dx: number, dy: number]} direction
 * @param {number} times
 */
function moveCrosshair([fromX, fromY], [dx, dy], times) {
  const step = Math.max(1, STEP / view.scale) * times;
  const { width, height } = frameSize();
  const x = clamp(fromX + dx * step, 0, width - 0.5);
  const y = clamp(fromY + dy * step, 0, height - 0.5);
  update({ crosshair: [x, y] });
  panIntoView([x, y]);
  automatic.highlight(automatic.at([x, y]));
  announce(automatic.description || tr('{x} from the left, {y} from the top', { x: Math.round(x), y: Math.round(y) }));
  drawOverlay();
}

/** @param {Position} position */
function panIntoView([x, y]) {
  const [left, top] = [view.x + x * view.scale, view.y + y * view.scale];
  const dx = clamp(left, MIN_MARGIN, viewport.clientWidth - MIN_MARGIN) - left;
  const dy = clamp(top, MIN_MARGIN, viewport.clientHeight - MIN_MARGIN) - top;
  if (dx || dy) pan(dx, dy);
}

/**
 * @param {Position} from
 * @param {boolean} negative
 */
function placePoint(from, negative) {
  if (automatic.isOn) return void automatic.toggleAt(from, negative);
  const gripped = gripAt(from, REACH);
  const grip = gripped?.kind === 'point' ? gripped : null;
  clickAt({ grip, from, negative, frame: state.frame, object: state.active }, performance.now());
  announce(grip ? tr('The point is removed') : negative ? tr('This does not belong to it') : tr('This belongs to it'));
}

export function drawCrosshair() {
  if (!state.crosshair || state.playing) return;
  const [x, y] = state.crosshair;
  const arm = 18 / view.scale;
  const gap = 4 / view.scale;
  overlayContext.beginPath();
  for (const [dx, dy] of Object.values(ARROWS)) {
    overlayContext.moveTo(x + dx * gap, y + dy * gap);
    overlayContext.lineTo(x + dx * arm, y + dy * arm);
  }
  Object.assign(overlayContext, { strokeStyle: '#000c', lineWidth: 4 / view.scale });
  overlayContext.stroke();
  Object.assign(overlayContext, { strokeStyle: '#fff', lineWidth: 1.75 / view.scale });
  overlayContext.stroke();
}

export function setUpCrosshair() {
  const hide = () => {
    if (state.crosshair) setCrosshair(false);
  };
  listen(overlayCanvas, 'keydown', event => {
    if (!state.crosshair || event.ctrlKey || event.metaKey || event.altKey) return;
    if (ARROWS[event.key]) moveCrosshair(state.crosshair, ARROWS[event.key], event.shiftKey ? 10 : 1);
    else if (event.key === 'Enter') placePoint(state.crosshair, event.shiftKey);
    else if (event.key === 'Escape') hide();
    else return;
    event.preventDefault();
  });
  listen(overlayCanvas, 'pointerdown', hide);
  listen(overlayCanvas, 'blur', hide);
  on('medium', () => {
    update({ crosshair: null });
    lastPosition = null;
  });
  on('frame', () => {
    update({ crosshair: state.crosshair && clampToFrame(state.crosshair) }); // photos of an album differ in size
  });
}
