// The viewport: a frame with its masks in one of several ways. The canvas has the screen's resolution; `view` maps pixels of
// the source to it.

import { canvasOf, contextOf } from '../../../../ui/web/shared/canvas.js';
import { make, targetOf } from '../../../../ui/web/shared/elements.js';
import { emit, on } from '../../../../ui/web/shared/events.js';
import { fitCanvases, placeFrame, placeInFrame, toFramePixels, zoomView } from '../../../../ui/web/shared/view.js';
import { frames } from './frames.js';
import { find, frameHere, listen, sizeOf, state, update } from './page.js';

const MAX_ZOOM = 16;
const OUTLINE = 1.6; // CSS pixels
/** @type {ReviewEffect[]} */
const EFFECTS = ['overlay', 'outline', 'spotlight', 'cutout', 'off'];

export const viewport = find('stage');
export const picture = find('picture');
const context = contextOf(picture);
const [layer, layerContext] = canvasOf(1, 1);
export const view = { zoom: 1, x: 0, y: 0, scale: 1, ratio: 1 }; // x, y: where the frame's corner lies, in CSS pixels

function fitView() {
  const { clientWidth: width, clientHeight: height } = viewport;
  if (!width) return;
  fitCanvases(view, { width, height }, [picture, layer]);
  placeView();
}

function placeView() {
  placeFrame(view, sizeOf(state.shown?.frame ?? frameHere()), {
    width: viewport.clientWidth,
    height: viewport.clientHeight,
  });
  find('zoom-fit').disabled = find('zoom-out').disabled = view.zoom === 1;
  find('zoom-in').disabled = view.zoom === MAX_ZOOM;
  draw();
  emit('view');
}

/**
 * @param {number} factor
 * @param {number} [x]
 * @param {number} [y]
 */
export function zoomAt(factor, x = viewport.clientWidth / 2, y = viewport.clientHeight / 2) {
  zoomView(view, factor, x, y, MAX_ZOOM);
  placeView();
}

/**
 * @param {number} dx
 * @param {number} dy
 */
export function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  placeView();
}

/** @param {PointerEvent} event */
export const toFrame = event => placeInFrame(view, event, picture);

let newest = 0;

/**
 * Shows a frame; what becomes ready after something newer is not shown.
 * @param {number} place
 */
export async function show(place) {
  const turn = ++newest;
  const ready = await frames.get(place);
  if (turn !== newest) return false;
  const before = state.shown && sizeOf(state.shown.frame);
  const now = sizeOf(ready.frame);
  update({ shown: ready });
  picture.dataset.frame = String(ready.frame);
  find('loading').hidden = true;
  if (before?.width !== now.width || before?.height !== now.height) Object.assign(view, { zoom: 1, x: 0, y: 0 });
  viewport.style.setProperty('--ratio', String(now.width / now.height));
  placeView();
  return true;
}

// --- drawing ---

const inSight = () => (state.shown?.sprites ?? []).filter(({ object }) => !state.hidden.has(object));

function draw() {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, picture.width, picture.height);
  if (!state.shown) return;
  toFramePixels(view, context);
  context.imageSmoothingEnabled =
    (view.scale * view.ratio * sizeOf(state.shown.frame).width) / state.shown.bitmap.width < 3;
  context.imageSmoothingQuality = state.playing ? 'low' : 'high';
  const { width, height } = sizeOf(state.shown.frame);
  context.drawImage(state.shown.bitmap, 0, 0, width, height);
  const strength = state.strength[state.effect] / 100;
  if (state.effect === 'overlay') drawFills(context, strength);
  if (state.effect === 'spotlight') drawAround({ width, height }, '#000', strength);
  if (state.effect === 'cutout') drawAround({ width, height }, checkerboard(), strength);
  if (state.effect === 'overlay' || state.effect === 'outline') drawOutlines(state.effect === 'overlay' ? 1 : strength);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} [strength] 0 to 1
 */
function drawFills(pen, strength = 1) {
  pen.globalAlpha = strength;
  for (const { fill, x, y, width, height } of inSight()) pen.drawImage(fill, x, y, width, height);
  pen.globalAlpha = 1;
}

function cleanLayer() {
  layerContext.setTransform(1, 0, 0, 1, 0, 0);
  layerContext.globalCompositeOperation = 'source-over';
  layerContext.clearRect(0, 0, layer.width, layer.height);
  toFramePixels(view, layerContext);
}

/** @param {number} strength 0 to 1 */
function putLayer(strength) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = strength;
  context.drawImage(layer, 0, 0);
  context.globalAlpha = 1;
  toFramePixels(view, context);
}

/**
 * Everything of the frame but the objects.
 * @param {Size} size of the frame
 * @param {string | CanvasPattern} style
 * @param {number} strength 0 to 1
 */
function drawAround({ width, height }, style, strength) {
  cleanLayer();
  layerContext.fillStyle = style;
  layerContext.fillRect(0, 0, width, height);
  layerContext.globalCompositeOperation = 'destination-out';
  drawFills(layerContext);
  putLayer(strength);
}

function checkerboard() {
  const [tile, ink] = canvasOf(16, 16);
  ink.fillStyle = '#fff';
  ink.fillRect(0, 0, 16, 16);
  ink.fillStyle = '#d4d4da';
  for (const at of [0, 8]) ink.fillRect(at, at, 8, 8);
  const made = /** @type {CanvasPattern} */ (layerContext.createPattern(tile, 'repeat'));
  made.setTransform(new DOMMatrix().scale(1 / view.scale)); // as large on the screen, however far in
  return made;
}

/**
 * The mask moved around in a circle, minus the mask itself: as thick on the screen, however far in.
 * @param {number} strength 0 to 1
 */
function drawOutlines(strength) {
  const away = OUTLINE / view.scale;
  for (const { fill, x, y, width, height } of inSight()) {
    cleanLayer();
    for (let turn = 0; turn < 8; turn += 1) {
      const angle = (turn * Math.PI) / 4;
      layerContext.drawImage(fill, x + away * Math.cos(angle), y + away * Math.sin(angle), width, height);
    }
    layerContext.globalCompositeOperation = 'destination-out';
    layerContext.drawImage(fill, x, y, width, height);
    putLayer(strength);
  }
}

// The topmost visible object there, if any. One canvas of one pixel is read, so that the others stay with the graphics card.
const probe = contextOf(make('canvas'), { willReadFrequently: true });

/** @param {Position} position in pixels of the frame */
export function objectAt([x, y]) {
  /** @param {ReviewSprite} sprite */
  const hit = ({ fill, scale, x: left, y: top }) => {
    probe.clearRect(0, 0, 1, 1);
    probe.drawImage(fill, Math.floor((x - left) / scale), Math.floor((y - top) / scale), 1, 1, 0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data[3] > 0;
  };
  return inSight().reverse().find(hit)?.object;
}

// --- what is shown how ---

const effectButtons = () =>
  /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('button[data-effect]'));

/** @param {ReviewEffect} effect */
function setEffect(effect) {
  update({ effect });
  for (const button of effectButtons()) {
    const chosen = button.dataset.effect === effect;
    button.setAttribute('aria-checked', String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  find('strength-value').value = String(state.strength[effect]);
  find('strength').classList.toggle('unused', effect === 'off');
  draw();
}

export const nextEffect = (step = 1) =>
  setEffect(EFFECTS.at((EFFECTS.indexOf(state.effect) + step) % EFFECTS.length) ?? 'overlay');

export function setUpViewport() {
  listen(find('effects'), 'click', event => {
    const effect = EFFECTS.find(each => each === targetOf(event).closest('button')?.dataset.effect);
    if (effect) setEffect(effect);
  });
  listen(
    find('effects'),
    'keydown',
    /** @param {KeyboardEvent} event */ event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      nextEffect(step);
      [...effectButtons()].find(button => button.tabIndex === 0)?.focus();
    },
  );
  listen(find('strength-value'), 'input', () => {
    state.strength[state.effect] = Number(find('strength-value').value);
    draw();
  });
  listen(find('zoom-in'), 'click', () => zoomAt(1.5));
  listen(find('zoom-out'), 'click', () => zoomAt(1 / 1.5));
  listen(find('zoom-fit'), 'click', () => zoomAt(0));
  on('look', draw);
  new ResizeObserver(fitView).observe(viewport);
  setEffect('overlay');
}
