// The viewport: one canvas with the frame, or with its effect preview, and above it one with masks and prompts. Both have the
// screen's resolution; `view` maps pixels of the original frame to them.

import { frameSize } from '../core/media.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { NOTHING, state, update, view } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf, contextOf } from '../shared/canvas.js';
import { emit, on } from '../shared/events.js';
import { fitCanvases, placeFrame, placeInFrame, placeOnCanvas, toFramePixels, zoomView } from '../shared/view.js';
import { previews } from './effect_previews.js';
import { frames } from './frames.js';
import { masks } from './masks.js';
import { patternOf } from './patterns.js';
import { drawFill, drawOutline, tiled } from './sprites.js';

const MAX_ZOOM = 16;

export const viewport = find('viewport');
const frameCanvas = find('base');
export const overlayCanvas = find('over');
const frameContext = contextOf(frameCanvas, { alpha: false });
export const overlayContext = contextOf(overlayCanvas);
/** @type {(() => void)[]} */
let layers = [];

/**
 * What is drawn over the masks, the lowest layer first.
 * @param {(() => void)[]} functions
 */
export const setLayers = functions => {
  layers = functions;
};

/** What the canvases fill: the viewport without its border, in CSS pixels and their fractions. */
function room() {
  const { width, height } = viewport.getBoundingClientRect();
  return { width: width - 2 * viewport.clientLeft, height: height - 2 * viewport.clientTop };
}

function fitView() {
  if (!state.medium || !viewport.clientWidth) return;
  fitCanvases(view, room(), [frameCanvas, overlayCanvas]);
  placeView();
  draw();
}

/** Size of the frame on the canvas; photos of an album differ. */
const shownSize = () => frameSize(state.shown.frame < 0 ? state.frame : state.shown.frame);

function placeView() {
  placeFrame(view, shownSize(), room());
  find('fit').disabled = view.zoom === 1;
  emit('view');
}

/**
 * @param {number} factor 0: back to the whole frame
 * @param {number} x the fixed point, in CSS pixels of the viewport
 * @param {number} y
 */
export function zoomAt(factor, x, y) {
  zoomView(view, factor, x, y, MAX_ZOOM);
  placeView();
  draw();
}

/**
 * @param {number} dx CSS pixels
 * @param {number} dy
 */
export function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  placeView();
  draw();
}

/**
 * Where a mouse event happened, in CSS pixels of the viewport.
 * @param {{ clientX: number; clientY: number }} event
 */
export const toViewport = event => placeOnCanvas(event, overlayCanvas);

/**
 * The same in pixels of the frame.
 * @param {{ clientX: number; clientY: number }} event
 */
export const toFrame = event => placeInFrame(view, event, overlayCanvas);

const OUTLINE_WIDTH = 2; // CSS pixels
export const outlineWidth = () => OUTLINE_WIDTH / view.scale; // pixels of the frame

let turns = 0;
/**
 * Shows a frame and its masks at once; false where it was not shown. A frame that is ready after a newer one was shown is
 * dropped, but one that is ready while a newer one is still loading is shown, so that scrubbing and tracking stay fluid.
 * @param {number} frame
 */
export async function showFrame(frame) {
  const turn = ++turns;
  const painted = previews.on ? await previews.get(frame) : null;
  if (painted === undefined) return false;
  const [bitmap, sprites] = await Promise.all([frames.get(frame), spritesOf(frame)]);
  if (turn < state.shown.frameTurn) return false;
  const newer = state.shown.frame === frame && state.shown.masksTurn > turn;
  const before = shownSize();
  update({
    shown: {
      frame,
      bitmap,
      painted,
      frameTurn: turn,
      sprites: newer ? state.shown.sprites : sprites,
      masksTurn: Math.max(turn, newer ? state.shown.masksTurn : 0),
    },
  });
  if (shownSize().width !== before.width || shownSize().height !== before.height) resetView();
  draw();
  return true;
}

function resetView() {
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  placeView();
}

/** Until a frame of a new medium is loaded. */
export function clearViewport() {
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  update({ shown: { ...NOTHING, frameTurn: ++turns } });
}

export async function refreshMasks() {
  const frame = state.shown.frame;
  const turn = ++turns;
  if (frame < 0) return false;
  const sprites = await spritesOf(frame);
  if (frame !== state.shown.frame || turn < state.shown.masksTurn) return false;
  update({ shown: { ...state.shown, sprites, masksTurn: turn } });
  drawOverlay();
  return true;
}

/** The effects or the masks have changed, or effects are shown or hidden. */
export async function repaint() {
  const { frame } = state.shown;
  previews.pump();
  if (frame < 0 || (previews.on && state.playing)) return; // playback renders each frame
  if (previews.on && frame !== state.frame) return void showFrame(state.frame).catch(() => {});
  const painted = previews.on ? await previews.get(frame) : null;
  if (painted === undefined || frame !== state.shown.frame || (painted && !previews.on)) return;
  update({ shown: { ...state.shown, painted } });
  draw();
}

/** @param {number} frame */
async function spritesOf(frame) {
  if (masks.misses(frame)) {
    masks.asked.add(frame);
    connection.send({ t: 'get_masks', first: frame, last: Math.min(masks.length - 1, frame + 15) });
  }
  // Objects further down in the list lie above the others.
  const order = objects.listed;
  const visible = [...masks.on(frame)]
    .filter(([object]) => objects.isVisible(object))
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const sprites = await Promise.all(visible.map(([object, record]) => objectSprite(object, record)));
  return visible.flatMap(([object], place) => {
    const sprite = sprites[place];
    return sprite ? [{ ...sprite, object }] : [];
  });
}

/**
 * @param {number} object
 * @param {MaskRecord} record
 */
export function objectSprite(object, record) {
  return masks.sprite(record, objects.color(object), patternOf(object));
}

function draw() {
  if (!state.shown.bitmap || !state.medium) return;
  frameContext.setTransform(1, 0, 0, 1, 0, 0);
  frameContext.fillStyle = getComputedStyle(viewport).backgroundColor;
  frameContext.fillRect(0, 0, frameCanvas.width, frameCanvas.height);
  toFramePixels(view, frameContext);
  frameContext.imageSmoothingEnabled = view.scale * view.ratio < 3; // far in, single pixels matter
  frameContext.imageSmoothingQuality = state.playing ? 'low' : 'high';
  const { width, height } = shownSize();
  if (isPainted()) drawCheckerboard(width, height);
  frameContext.drawImage((isPainted() && state.shown.painted) || state.shown.bitmap, 0, 0, width, height);
  drawOverlay();
}

/** Is an effect preview on the canvas? A bitmap that was closed has no width. */
export const isPainted = () => previews.on && !!state.shown.painted?.width;

/**
 * The background of transparent pixels.
 * @param {number} width
 * @param {number} height
 */
function drawCheckerboard(width, height) {
  const [tile, tileContext] = canvasOf(2, 2);
  tileContext.fillStyle = '#fff';
  tileContext.fillRect(0, 0, 2, 2);
  tileContext.fillStyle = '#d4d4d8';
  tileContext.fillRect(0, 0, 1, 1);
  tileContext.fillRect(1, 1, 1, 1);
  const { imageSmoothingEnabled } = frameContext;
  frameContext.fillStyle = tiled(frameContext, tile, new DOMMatrix().scale(8 / view.scale));
  frameContext.imageSmoothingEnabled = false;
  frameContext.fillRect(0, 0, width, height);
  frameContext.imageSmoothingEnabled = imageSmoothingEnabled;
}

export function drawOverlay() {
  overlayContext.setTransform(1, 0, 0, 1, 0, 0);
  overlayContext.clearRect(0, 0, overlayCanvas.width, overlayCanvas.height);
  toFramePixels(view, overlayContext);
  if (!isPainted()) drawMasks();
  for (const drawLayer of layers) drawLayer();
}

function drawMasks() {
  const { sprites } = state.shown;
  const isOther = (/** @type {Sprite} */ { object }) => object !== state.active;
  const shown = state.others === 'hidden' ? sprites.filter(sprite => !isOther(sprite)) : sprites;
  overlayContext.globalAlpha = state.opacity;
  for (const sprite of shown) if (state.others !== 'outlined' || !isOther(sprite)) drawFill(overlayContext, sprite);
  overlayContext.globalAlpha = 1;
  for (const sprite of shown)
    if (state.outline || (state.others === 'outlined' && isOther(sprite)))
      drawOutline(overlayContext, sprite, outlineWidth());
}

export function setUpViewport() {
  new ResizeObserver(fitView).observe(viewport);
  for (const type of /** @type {const} */ (['pointerenter', 'pointerleave', 'focus', 'blur']))
    listen(overlayCanvas, type, () => {
      if (isPainted()) drawOverlay();
    });
  listen(find('fit'), 'click', () => zoomAt(0, 0, 0));
  on('theme', draw);
  on('repaint', repaint);
  on('screen', name => {
    if (name === 'work') requestAnimationFrame(fitView);
  });
  on('objects log', () => {
    refreshMasks();
  });
}
