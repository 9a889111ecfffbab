// Thumbnails in the list of objects: the part of a frame around an object, with its mask. They are drawn one after the
// other, only those in view, and in rounds with a pause between them.

import { frameSize } from '../core/media.js';
import { mount } from '../core/mount.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { frames } from '../viewport/frames.js';
import { masks } from '../viewport/masks.js';
import { patternOf } from '../viewport/patterns.js';
import { drawPart, partAround } from '../viewport/sprites.js';
import { objectSprite } from '../viewport/viewport.js';

const SIDE = 44; // CSS pixels
const PAUSE = 350; // milliseconds between rounds

/** @typedef {{ record: MaskRecord, style: string, frame: number, version: number }} Thumbnail */

/** @type {WeakMap<HTMLCanvasElement, Thumbnail>} */
const drawn = new WeakMap();
/** @type {Set<HTMLElement>} */
const rowsInView = new Set();
let isWaiting = false; // for the next round
let rounds = Promise.resolve();

/**
 * The frame on which an object is shown: the current one, else the one of its last thumbnail, else the nearest with a mask.
 * @param {number} id
 * @param {HTMLCanvasElement} canvas
 */
function frameOf(id, canvas) {
  const hasMask = (/** @type {number} */ frame) => !!masks.on(frame).get(id)?.area;
  if (hasMask(state.frame)) return state.frame;
  const last = drawn.get(canvas);
  if (last && last.version === state.version && hasMask(last.frame)) return last.frame;
  let nearest = null;
  for (const frame of masks.frames.keys()) {
    const isNearer = nearest === null || Math.abs(frame - state.frame) < Math.abs(nearest - state.frame);
    if (isNearer && hasMask(frame)) nearest = frame;
  }
  return nearest;
}

function drawSoon() {
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(() => {
    isWaiting = false;
    rounds = rounds.then(drawRound);
  }, PAUSE);
}

async function drawRound() {
  for (const row of [...rowsInView]) {
    const id = Number(row.dataset.object);
    const canvas = find('thumb', row);
    const frame = frameOf(id, canvas);
    if (!row.isConnected) rowsInView.delete(row);
    else if (frame === null) erase(canvas);
    else await draw(id, canvas, frame).catch(() => {}); // the viewport reports frames that cannot be loaded
  }
}

/** @param {HTMLCanvasElement} canvas */
function erase(canvas) {
  if (drawn.delete(canvas)) canvas.width = canvas.height = 0;
}

/**
 * @param {number} id
 * @param {HTMLCanvasElement} canvas
 * @param {number} frame
 */
async function draw(id, canvas, frame) {
  const record = masks.on(frame).get(id);
  const version = state.version;
  const style = `${objects.color(id)} ${patternOf(id)}`;
  const last = drawn.get(canvas);
  if (!record || (last?.record === record && last.style === style)) return;
  const [bitmap, sprite] = await Promise.all([frames.get(frame), objectSprite(id, record)]);
  if (!sprite || version !== state.version) return;
  drawn.set(canvas, { record, style, frame, version });
  canvas.width = canvas.height = Math.round(SIDE * Math.min(window.devicePixelRatio || 1, 2));
  drawPart(canvas, bitmap, sprite, frameSize(frame), partAround(record.place, frameSize(frame)));
}

export const thumbnailObserver = new IntersectionObserver(changes => {
  for (const { target, isIntersecting } of changes)
    rowsInView[isIntersecting ? 'add' : 'delete'](/** @type {HTMLElement} */ (target));
  drawSoon();
});

export function setUpObjectThumbnails() {
  listen(mount.signal, 'abort', () => thumbnailObserver.disconnect());
  on('objects log masks frame medium', drawSoon);
}
