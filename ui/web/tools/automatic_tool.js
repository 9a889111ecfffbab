// The tool for automatic masks, and the layer of their outlines: hovering highlights, a click takes or gives back, a drag
// moves the view. The outlines are drawn once for a view and kept as a picture of it.

/** @import { Candidate } from './automatic_masks.js' */
/** @import { Tool } from './pointer.js' */

import { find, listen } from '../core/page.js';
import { state, view } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { showRating } from '../shared/ratings.js';
import { toFramePixels } from '../shared/view.js';
import {
  drawOverlay,
  overlayCanvas,
  overlayContext,
  pan,
  toFrame,
  toViewport,
  viewport,
} from '../viewport/viewport.js';
import { automatic } from './automatic_masks.js';

const SETTLED = 120; // milliseconds after which a view counts as still
const [picture, pictureContext] = canvasOf(1, 1);
/** What the picture shows. */
let drawn = { ...view, revision: -1, width: 0, height: 0 };
let settleTimer = 0;
const badge = find('automatic-badge');

const isVisible = () => automatic.isOn && !state.playing && state.shown.frame === automatic.frame;

export function drawAutomaticMasks() {
  if (!isVisible()) return;
  const { width, height } = overlayCanvas;
  const isSameSize = drawn.width === width && drawn.height === height && drawn.ratio === view.ratio;
  const isSameView = drawn.x === view.x && drawn.y === view.y && drawn.scale === view.scale;
  if (!isSameSize || drawn.revision !== automatic.revision) drawPicture();
  else if (!isSameView) drawOnceSettled();
  const zoom = view.scale / drawn.scale;
  const [x, y] = [(view.x - drawn.x * zoom) * view.ratio, (view.y - drawn.y * zoom) * view.ratio];
  overlayContext.save();
  overlayContext.setTransform(zoom, 0, 0, zoom, x, y);
  overlayContext.drawImage(picture, 0, 0);
  overlayContext.restore();
  if (automatic.highlighted) drawHighlight(automatic.highlighted);
}

/** While the view moves, the picture is moved along. */
function drawOnceSettled() {
  clearTimeout(settleTimer);
  settleTimer = setTimeout(() => {
    drawn.revision = -1;
    drawOverlay();
  }, SETTLED);
}

function drawPicture() {
  const { width, height } = overlayCanvas;
  clearTimeout(settleTimer);
  drawn = { ...view, revision: automatic.revision, width, height };
  Object.assign(picture, { width, height }); // which also clears it
  toFramePixels(view, pictureContext);
  /** @type {Map<string, Path2D>} color -> outlines; few strokes are faster than many */
  const byColor = new Map();
  const [all, taken] = [new Path2D(), new Path2D()];
  for (const mask of automatic.shown) {
    if (!mask.shape) continue;
    const isTaken = automatic.objectOf(mask) > 0;
    const color = automatic.colorOf(mask);
    const key = `${color} ${isTaken ? 2.6 : 1.5}`;
    const path = byColor.get(key) ?? new Path2D();
    for (const joined of [path, isTaken ? taken : all]) joined.addPath(mask.shape.path);
    byColor.set(key, path);
  }
  pictureContext.lineJoin = 'round';
  stroke(pictureContext, all, '#0008', 3);
  stroke(pictureContext, taken, '#000b', 4.6);
  for (const [key, path] of byColor) {
    const [color, width] = key.split(' ');
    stroke(pictureContext, path, color, Number(width));
  }
  for (const mask of automatic.shown) if (automatic.objectOf(mask)) drawMark(mask);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {string} color
 * @param {number} width CSS pixels
 */
function stroke(context, path, color, width) {
  Object.assign(context, { strokeStyle: color, lineWidth: width / view.scale });
  context.stroke(path);
}

/**
 * A check mark on a mask that was taken.
 * @param {Candidate} mask
 */
function drawMark(mask) {
  if (!mask.shape) return;
  const [x, y] = mask.shape.anchor;
  const unit = 1 / view.scale;
  pictureContext.beginPath();
  pictureContext.arc(x, y, 9 * unit, 0, 7);
  Object.assign(pictureContext, { fillStyle: automatic.colorOf(mask), strokeStyle: '#fff', lineWidth: 2 * unit });
  pictureContext.fill();
  pictureContext.stroke();
  const check = new Path2D();
  for (const [dx, dy] of [
    [-4, 0.5],
    [-1, 3.5],
    [4, -3],
  ])
    check.lineTo(x + dx * unit, y + dy * unit);
  Object.assign(pictureContext, { lineCap: 'round', lineJoin: 'round' });
  stroke(pictureContext, check, '#000a', 3.6);
  stroke(pictureContext, check, '#fff', 2);
}

/** @param {Candidate} mask */
function drawHighlight(mask) {
  if (!mask.shape) return;
  overlayContext.globalAlpha = 0.4;
  overlayContext.fillStyle = automatic.colorOf(mask);
  overlayContext.fill(mask.shape.path, 'evenodd');
  overlayContext.globalAlpha = 1;
  overlayContext.lineJoin = 'round';
  stroke(overlayContext, mask.shape.path, '#000b', 5.4);
  stroke(overlayContext, mask.shape.path, '#fff', 3);
}

/**
 * Beside the mask under the pointer: how well it fits, and what a click does.
 * @param {Candidate | null} mask
 * @param {{ x: number, y: number }} place in CSS pixels of the viewport
 */
function placeBadge(mask, { x, y }) {
  badge.hidden = !mask;
  if (!mask) return;
  showRating(badge, mask);
  badge.append(` · ${automatic.objectOf(mask) ? tr('click to give it back') : tr('click to take it')}`);
  badge.classList.toggle('mk-to-left', x > viewport.clientWidth / 2);
  badge.classList.toggle('mk-above', y > viewport.clientHeight / 2);
  badge.style.left = `${x}px`;
  badge.style.top = `${y}px`;
}

function unhighlight() {
  automatic.highlight(null);
  badge.hidden = true;
}

/** @type {Tool} */
export const automaticTool = {
  down() {
    badge.hidden = true;
  },

  move({ far, last }, { clientX, clientY }) {
    if (!far) return;
    overlayCanvas.classList.add('mk-grabbing');
    pan(clientX - last.x, clientY - last.y);
    Object.assign(last, { x: clientX, y: clientY });
  },

  up({ far, from, negative }) {
    this.cancel();
    if (!far && isVisible()) automatic.toggleAt(from, negative);
  },

  cancel() {
    overlayCanvas.classList.remove('mk-grabbing');
  },

  hover(event, isPanning) {
    if (event.pointerType === 'touch') return;
    const mask = isPanning || !isVisible() ? null : automatic.at(toFrame(event));
    automatic.highlight(mask);
    overlayCanvas.dataset.grip = mask ? 'mask' : '';
    if (!event.buttons) placeBadge(mask, toViewport(event));
  },
};

export function setUpAutomaticTool() {
  listen(overlayCanvas, 'pointerleave', unhighlight);
  on('automatic', () => {
    if (!automatic.highlighted) badge.hidden = true;
    drawOverlay();
  });
  on('automatic-highlight', () => {
    if (!automatic.highlighted) badge.hidden = true;
    drawOverlay();
  });
  on('view', () => {
    badge.hidden = true;
  });
}
