// The stage: the frame below, masks and markers above, or the frame as the effects paint it. Both canvases have the screen's
// resolution; `view` maps pixels of the original frame to them, so zooming is only another view.

import { frameSize } from '../core/media.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { NOTHING, state, update, view } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { emit, on } from '../shared/events.js';
import { fitCanvases, placeFrame, placeInFrame, toFramePixels, zoomView } from '../shared/view.js';
import { previews } from './effect_previews.js';
import { frames } from './frames.js';
import { masks } from './masks.js';
import { patternOf } from './patterns.js';

const MAX_ZOOM = 16;

export const viewport = find('stage');
const frameCanvas = find('base');
export const overlayCanvas = find('over');
const frameContext = frameCanvas.getContext('2d', { alpha: false });
export const overlayContext = overlayCanvas.getContext('2d');
let layers = []; // functions that draw over the masks, the lowest first

// What is drawn over the masks, from the lowest layer to the highest.
export const setLayers = functions => {
  layers = functions;
};

function fitView() {
  const { width, height } = viewport.getBoundingClientRect();
  if (!state.medium || !width) return;
  fitCanvases(view, { width, height }, [frameCanvas, overlayCanvas]);
  placeView(width, height);
  draw();
  refreshMasks(); // their outlines have another width now
}

// Of the picture on the stage; in an album the next one may have another.
const shownSize = () => frameSize(state.shown.frame < 0 ? state.frame : state.shown.frame);

function placeView(width = viewport.clientWidth, height = viewport.clientHeight) {
  placeFrame(view, shownSize(), { width, height });
  find('fit').disabled = view.zoom === 1;
  emit('view');
}

export function zoomAt(factor, x, y) {
  zoomView(view, factor, x, y, MAX_ZOOM);
  placeView();
  draw();
  refreshMasks();
}

export function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  placeView();
  draw();
}

export const toFrame = event => placeInFrame(view, event, overlayCanvas);

export const outlineWidth = () => Math.max(1, 1.6 / view.scale); // pixels of the frame

// Shows a frame with its masks, both at once. What was wished earlier and becomes ready later is not shown any more, but
// a frame that is overtaken while the next one is on its way is: so scrubbing and tracking stay fluid.
let turns = 0;
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
  placeAgain(before);
  draw();
  return true;
}

// A photo of another size is seen as a whole, its outlines as thick as everywhere.
function placeAgain(before) {
  const { width, height } = shownSize();
  if (width === before.width && height === before.height) return;
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  placeView();
  refreshMasks();
}

// Nothing is shown until a frame of the new medium is there.
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

// The look or the masks have changed, or the effects are shown or hidden.
export async function repaint() {
  const { frame } = state.shown;
  previews.pump();
  if (frame < 0 || (previews.on && state.playing)) return; // what is played is painted on its way
  if (previews.on && frame !== state.frame) return void showFrame(state.frame).catch(() => {});
  const painted = previews.on ? await previews.get(frame) : null;
  if (painted === undefined || frame !== state.shown.frame || (painted && !previews.on)) return;
  update({ shown: { ...state.shown, painted } });
  draw();
}

async function spritesOf(frame) {
  if (masks.misses(frame)) {
    masks.asked.add(frame);
    connection.send({ t: 'get_masks', first: frame, last: Math.min(state.medium.frames - 1, frame + 15) });
  }
  // Objects further down in the list lie above the others.
  const place = new Map([...masks.on(frame).keys()].map(object => [object, objects.traits(object).place]));
  const wanted = [...masks.on(frame)]
    .filter(([object]) => objects.isVisible(object))
    .sort(([a], [b]) => place.get(a) - place.get(b) || a - b);
  const sprites = await Promise.all(wanted.map(([object, record]) => objectSprite(object, record)));
  return sprites.filter(Boolean);
}

export function objectSprite(object, record) {
  const thickness = Math.round(outlineWidth() * 4) / 4;
  return masks.sprite(record, objects.color(object), thickness, patternOf(object));
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
  if (isPainted()) drawEffectPreview(width, height);
  else frameContext.drawImage(state.shown.bitmap, 0, 0, width, height);
  drawOverlay();
}

export const isPainted = () => previews.on && !!state.shown.painted?.width;

// Over the chessboard that stands for nothing.
function drawEffectPreview(width, height) {
  const side = 8 / view.scale;
  const [tile, pen] = canvasOf(2, 2);
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, 2, 2);
  pen.fillStyle = '#d4d4d8';
  pen.fillRect(0, 0, 1, 1);
  pen.fillRect(1, 1, 1, 1);
  const board = frameContext.createPattern(tile, 'repeat');
  const smoothly = frameContext.imageSmoothingEnabled;
  board.setTransform(new DOMMatrix().scale(side));
  Object.assign(frameContext, { fillStyle: board, imageSmoothingEnabled: false });
  frameContext.fillRect(0, 0, width, height);
  frameContext.imageSmoothingEnabled = smoothly;
  frameContext.drawImage(state.shown.painted, 0, 0, width, height);
}

export function drawOverlay() {
  overlayContext.setTransform(1, 0, 0, 1, 0, 0);
  overlayContext.clearRect(0, 0, overlayCanvas.width, overlayCanvas.height);
  toFramePixels(view, overlayContext);
  if (!isPainted()) drawMasks();
  for (const drawLayer of layers) drawLayer();
}

function drawMasks() {
  overlayContext.globalAlpha = state.opacity;
  for (const sprite of state.shown.sprites) overlayContext.drawImage(sprite.fill, sprite.x, sprite.y);
  overlayContext.globalAlpha = 1;
  if (!state.outline) return;
  for (const sprite of state.shown.sprites)
    overlayContext.drawImage(sprite.edge, sprite.x - sprite.pad, sprite.y - sprite.pad);
}

export function setUpViewport() {
  new ResizeObserver(fitView).observe(viewport);
  for (const moment of ['pointerenter', 'pointerleave', 'focus', 'blur'])
    listen(overlayCanvas, moment, () => {
      if (isPainted()) drawOverlay();
    });
  listen(find('fit'), 'click', () => zoomAt(0, 0, 0));
  listen(find('opacity').querySelector('input'), 'input', event => {
    update({ opacity: event.target.value / 100 });
    drawOverlay();
  });
  listen(find('outline'), 'click', () => {
    update({ outline: !state.outline });
    find('outline').setAttribute('aria-pressed', state.outline);
    drawOverlay();
  });
  on('theme', draw);
  on('repaint', repaint);
  on('screen', name => {
    if (name === 'work') requestAnimationFrame(fitView);
  });
  on('objects log', () => {
    refreshMasks();
  });
}
