// The large picture of the start screen: the object under the pointer is lit, with a mask that was computed beforehand, so
// that it works before the network is loaded. A click opens the picture with that mask.

import { mount } from '../core/mount.js';
import { about, base, find, fingersOnly, listen } from '../core/page.js';
import { madeByPerson } from '../core/provenance.js';
import { decodeRuns } from '../core/run_lengths.js';
import { state } from '../core/store.js';
import { canvasOf, contextOf } from '../shared/canvas.js';
import { makeButton } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';
import { openExample } from '../storage/open_files.js';
import { prompts } from '../tools/prompts.js';
import { isInside, shapeOfPixels } from '../viewport/mask_shapes.js';
import { storeMasks } from '../viewport/mask_updates.js';

/** @import { MaskShape } from '../viewport/mask_shapes.js' */
/** @typedef {Hero['objects'][number] & { area: number; shape: MaskShape }} HeroObject */

const TURN = 2200; // milliseconds for which an object is lit while nobody points at the picture
const FADE = 0.14; // of the way to full light, each refresh of the screen
const SCALE = 2; // pixels of the canvas for one of the picture, for smooth outlines
const isStill = matchMedia('(prefers-reduced-motion: reduce)');

const canvas = find('hero-masks');
const example = about.examples.find(({ name }) => name === about.hero.picture);

/** @type {HeroObject[]} */
let objects = [];
/** @type {HeroObject | undefined} */
let lit;
/** @type {Map<HeroObject, number>} how strongly each is lit, 0 to 1 */
const levels = new Map();
/** @type {HeroObject | null} what the picture is opened with */
let chosen = null;
let turn = 0;

/** @param {Hero['objects'][number]} object */
function heroObject(object) {
  const [height, width] = object.mask.size;
  const pixels = decodeRuns(object.mask);
  const shape = shapeOfPixels([0, 0, width, height], width, height, pixels);
  return { ...object, shape, area: pixels.reduce((sum, pixel) => sum + pixel, 0) };
}

/** @param {HeroObject | undefined} object */
function light(object) {
  lit = object;
  for (const button of find('hero-objects').children)
    button.classList.toggle('mk-lit', button.textContent === object?.name);
  draw();
}

const draw = oncePerFrame(() => {
  const context = contextOf(canvas);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(SCALE, SCALE);
  let isMoving = false;
  for (const object of objects) {
    const before = levels.get(object) ?? 0;
    const target = object === lit ? 1 : 0;
    const step = isStill.matches || Math.abs(target - before) < 0.01 ? 1 : FADE;
    const level = before + (target - before) * step;
    levels.set(object, level);
    isMoving ||= level !== target;
    if (level) drawObject(context, object, level);
  }
  if (isMoving) draw();
});

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeroObject} object
 * @param {number} level
 */
function drawObject(context, { shape }, level) {
  const { path } = shape;
  context.globalAlpha = 0.45 * level;
  context.fillStyle = '#6d5dfc';
  context.fill(path, 'evenodd');
  context.globalAlpha = level;
  context.lineJoin = 'round';
  context.lineWidth = 2.5;
  context.strokeStyle = '#fff';
  context.shadowColor = '#4f46e5';
  context.shadowBlur = 10;
  context.stroke(path);
  context.shadowBlur = 0;
}

/** @param {MouseEvent} event */
function objectUnder(event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const scale = [canvas.width / SCALE / width, canvas.height / SCALE / height];
  /** @type {Position} */
  const position = [(event.clientX - left) * scale[0], (event.clientY - top) * scale[1]];
  return objects.find(({ shape }) => isInside(shape, position));
}

/** @param {HeroObject} [object] */
function openWith(object) {
  if (!example) return;
  openExample(example);
  chosen = object ?? null; // after: opening something forgets it
}

/**
 * The mask as a message from the server, which the server's own answer replaces as soon as the network is loaded.
 * @param {HeroObject} object
 * @param {number} id
 */
async function showMask({ area, shape, predicted_iou }, id) {
  const [, , width, height] = shape.place;
  const [picture, context] = canvasOf(width, height);
  context.fillStyle = '#fff';
  context.fill(shape.path, 'evenodd');
  const { version } = state;
  /** @type {Blob | null} */
  const png = await new Promise(resolve => picture.toBlob(resolve));
  if (!png) return;
  const record = {
    id,
    area,
    place: shape.place,
    png,
    bytes: png.size,
    predicted_iou,
    object_score: 10,
    stale: false,
    fresh: true,
  };
  storeMasks({ t: 'masks', version, frame: 0, revision: 0, objects: [record] });
}

function promptChosen() {
  const object = chosen;
  chosen = null;
  if (!object) return;
  const { active } = state;
  const name = { traits: active, set: { name: object.name } };
  if (prompts.set(0, active, object.prompt, performance.now(), [...madeByPerson(active), name]))
    showMask(object, active);
}

/** One object after the other, once; then the first stays lit. */
function nextTurn() {
  turn += 1;
  light(objects[turn % objects.length]);
  if (turn % objects.length === 0) stopTurns();
}

let timer = 0;
function stopTurns() {
  clearInterval(timer);
}

export function setUpHero() {
  find('hero').hidden = !example;
  if (!example) return;
  objects = about.hero.objects.map(heroObject);
  const [, , width, height] = objects[0].shape.place;
  Object.assign(canvas, { width: width * SCALE, height: height * SCALE });
  find('hero-picture').src = `${base}/examples/${example.name}/picture`;
  find('hero-hint').textContent = fingersOnly ? tr('Tap one to open it:') : tr('Point at a thing, click to open it:');
  find('hero-objects').append(
    ...objects.map(object => {
      const button = makeButton('mk-hero-object', object.name, () => openWith(object));
      listen(button, 'focus', () => light(object));
      listen(button, 'pointerenter', () => light(object));
      return button;
    }),
  );

  listen(canvas, 'pointermove', event => {
    light(objectUnder(event));
    canvas.classList.toggle('mk-over-object', !!lit);
  });
  listen(canvas, 'click', event => openWith(objectUnder(event)));
  for (const sign of ['pointerenter', 'focusin']) listen(find('hero'), sign, stopTurns);
  listen(mount.signal, 'abort', stopTurns);
  on('opening open-failed', () => {
    chosen = null;
  });
  on('medium-opened', promptChosen);
  on('screen', stopTurns);
  light(objects[0]);
  if (!isStill.matches) timer = window.setInterval(nextTurn, TURN);
}
