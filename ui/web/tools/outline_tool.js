// The outline tool: the mask of the selected object as polygons. A corner can be dragged; a click on an edge adds one, a double
// click or Delete removes one. Each change becomes a mask prompt, in which only the pixels between the former and the new
// outline differ: what is finer than the polygon stays.

/** @import { Tool } from './pointer.js' */
/** @import { Corner, Ring } from './outline_edits.js' */

import { frameSize } from '../core/media.js';
import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { state, view } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { masks } from '../viewport/masks.js';
import { drawOverlay, overlayCanvas, overlayContext, toFrame } from '../viewport/viewport.js';
import { clampToFrame } from './geometry.js';
import { drawMask, hasMask, setMaskPrompt } from './mask_prompt.js';
import {
  cornerAfter,
  cornerAt,
  edgeAt,
  editableRings,
  withCornerAdded,
  withCornerMoved,
  withCornerRemoved,
} from './outline_edits.js';
import { isOnlyMask } from './prompt_edits.js';
import { roundToTenth } from './shapes.js';

// CSS pixels
const REACH = 9;
const TOUCH_REACH = 18;
const EDGE_REACH = 6;
const HANDLE = 4.5;
const STEP = 1;

const DOUBLE_CLICK = 400; // milliseconds
const KEY_PAUSE = 500; // milliseconds after the last arrow key, when the move becomes a step

/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} Outline
 * @property {number} frame
 * @property {number} object
 * @property {unknown} source the mask that it is of: a prompt or a record
 * @property {Ring[]} rings
 * @property {Ring[]} applied those that the mask has
 */

/** @type {Outline | null} */
let outline = null;
/** @type {Corner | null} */
let selected = null;
/** @type {{ corner: Corner; isNew: boolean } | null} what a press holds */
let held = null;
/** @type {WeakMap<Prompt, Ring[]>} the outlines that mask prompts were made of, also for undo */
const outlines = new WeakMap();
let clicked = { at: -Infinity, key: '' };
let keyTimer = 0;
let isSetting = false;
/** Changes are applied to the mask one after the other. */
let applying = Promise.resolve();

const isOn = () => state.tool === 'outline';

/** What the mask of the selected object is now. */
function currentSource() {
  const prompt = state.log.prompt(state.frame, state.active);
  return isOnlyMask(prompt) ? prompt : (masks.on(state.frame).get(state.active) ?? null);
}

async function load() {
  if (!isOn() || !state.medium || isSetting) return;
  const { frame, active: object } = state;
  const source = currentSource();
  const isSame = outline?.source === source && outline?.frame === frame && outline.object === object;
  if (isSame) return;
  outline = null;
  selected = null;
  held = null;
  if (!source || !hasMask(frame, object)) return drawOverlay();
  const known = outlines.get(/** @type {Prompt} */ (source));
  const rings = known ?? (await traced(frame, object));
  if (rings && source === currentSource() && frame === state.frame && object === state.active)
    outline = { frame, object, source, rings, applied: rings };
  drawOverlay();
}

/**
 * @param {number} frame
 * @param {number} object
 */
async function traced(frame, object) {
  const context = await drawMask(frame, object);
  return context && editableRings(opaque(context.canvas), context.canvas.width);
}

/** The change since the mask was last set becomes part of it. */
function apply() {
  clearTimeout(keyTimer);
  if (!outline || outline.rings === outline.applied) return;
  const { frame, object, rings, applied } = outline;
  const edited = outline;
  edited.applied = rings;
  applying = applying.then(async () => {
    const context = await drawMask(frame, object);
    if (!context) return;
    const pixels = opaque(context.canvas);
    const [before, after] = [applied, rings].map(each => filled(each, frame));
    for (let place = 0; place < pixels.length; place += 1)
      if (before[place] !== after[place]) pixels[place] = after[place];
    isSetting = true; // its events come before the outline is known to be of the new prompt
    const prompt = setMaskPrompt(pixels, frame, object, performance.now());
    isSetting = false;
    if (prompt) outlines.set(prompt, rings);
    edited.source = prompt;
    await load();
  });
}

/**
 * @param {Ring[]} rings
 * @param {number} frame
 */
function filled(rings, frame) {
  const { width, height } = frameSize(frame);
  const [canvas, context] = canvasOf(width, height);
  context.fill(pathOf(rings), 'evenodd');
  return opaque(canvas);
}

/** @param {Ring[]} rings */
function pathOf(rings) {
  const path = new Path2D();
  for (const ring of rings) {
    for (const [at, [x, y]] of ring.entries()) at ? path.lineTo(x, y) : path.moveTo(x, y);
    path.closePath();
  }
  return path;
}

/**
 * @param {Ring[]} rings
 * @param {Corner | null} corner
 */
function edit(rings, corner) {
  if (!outline || !objects.isFree(outline.object)) return;
  outline.rings = rings;
  selected = corner;
  drawOverlay();
}

/** @param {Corner} corner */
function removeCorner(corner) {
  if (!outline) return;
  edit(withCornerRemoved(outline.rings, corner), null);
  apply();
  announce(tr('The point is removed'));
}

/**
 * @param {Position} position
 * @param {boolean} isTouch
 * @returns {typeof held}
 */
function holdAt(position, isTouch) {
  if (!outline || outline.frame !== state.shown.frame) return null;
  const corner = cornerAt(outline.rings, position, (isTouch ? TOUCH_REACH : REACH) / view.scale);
  if (corner) return { corner, isNew: false };
  const edge = edgeAt(outline.rings, position, (isTouch ? TOUCH_REACH : EDGE_REACH) / view.scale);
  return edge && { corner: edge, isNew: true };
}

/** @type {Tool} */
export const outlineTool = {
  grip(position, isTouch) {
    const at = holdAt(position, isTouch);
    return at && { kind: at.isNew ? 'edge' : 'vertex' };
  },

  down({ from, isTouch }) {
    held = holdAt(from, isTouch);
    selected = held && !held.isNew ? held.corner : null;
    drawOverlay();
  },

  move({ far }, event) {
    if (!far || !held || !outline) return;
    const position = roundToTenth(clampToFrame(toFrame(event)));
    const { corner, isNew } = held;
    held.isNew = false;
    edit((isNew ? withCornerAdded : withCornerMoved)(outline.rings, corner, position), corner);
  },

  up({ far, from }) {
    const { corner, isNew } = held ?? {};
    held = null;
    if (!outline) return toast(tr('Click on a thing with another tool first. Then its outline can be edited.'), 'hint');
    if (far) return apply();
    if (!corner) return;
    const key = `${corner.ring}/${corner.corner}`;
    const isDouble = performance.now() - clicked.at < DOUBLE_CLICK && clicked.key === key;
    clicked = { at: performance.now(), key };
    if (isNew) edit(withCornerAdded(outline.rings, corner, roundToTenth(from)), corner);
    else if (isDouble) removeCorner(corner);
  },

  cancel() {
    if (held && outline) outline.rings = outline.applied;
    held = null;
  },
};

/** @param {1 | -1} step */
export function stepCorner(step) {
  if (!outline) return;
  selected = cornerAfter(outline.rings, selected, step);
  overlayCanvas.focus({ preventScroll: true });
  if (selected)
    announce(
      tr('Point {n} of {count}. The arrows move it, Enter adds one.', {
        n: selected.corner + 1,
        count: outline.rings[selected.ring].length,
      }),
    );
  drawOverlay();
}

/**
 * Keys for the selected corner.
 * @param {KeyboardEvent} event
 */
function handleKey(event) {
  if (!isOn() || !outline || !selected || event.ctrlKey || event.metaKey || event.altKey) return;
  const { rings } = outline;
  const ring = rings[selected.ring];
  const [x, y] = ring[selected.corner];
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = (event.shiftKey ? 10 : 1) * Math.max(STEP / view.scale, 0.1);
    const moved = clampToFrame([x + arrow[0] * step, y + arrow[1] * step]);
    edit(withCornerMoved(rings, selected, roundToTenth(moved)), selected);
    clearTimeout(keyTimer);
    keyTimer = window.setTimeout(apply, KEY_PAUSE);
  } else if (event.key === 'Enter') {
    const [nextX, nextY] = ring[(selected.corner + 1) % ring.length];
    const added = { ...selected, corner: selected.corner + 1 };
    edit(withCornerAdded(rings, added, [(x + nextX) / 2, (y + nextY) / 2]), added);
  } else if (event.key === 'Delete' || event.key === 'Backspace') removeCorner(selected);
  else if (event.key === 'Escape') {
    selected = null;
    drawOverlay();
  } else return;
  event.preventDefault();
}

export function drawOutlineHandles() {
  if (!isOn() || !outline || state.playing || outline.frame !== state.shown.frame) return;
  const unit = 1 / view.scale;
  const path = pathOf(outline.rings);
  overlayContext.lineJoin = 'round';
  Object.assign(overlayContext, { strokeStyle: '#000a', lineWidth: 3.5 * unit });
  overlayContext.stroke(path);
  Object.assign(overlayContext, { strokeStyle: '#fff', lineWidth: 1.5 * unit });
  overlayContext.stroke(path);
  const color = objects.color(outline.object);
  for (const [ring, corners] of outline.rings.entries())
    for (const [corner, [x, y]] of corners.entries()) {
      const isSelected = selected?.ring === ring && selected.corner === corner;
      overlayContext.beginPath();
      overlayContext.arc(x, y, (isSelected ? 1.5 : 1) * HANDLE * unit, 0, 7);
      Object.assign(overlayContext, {
        fillStyle: isSelected ? color : '#fff',
        strokeStyle: isSelected ? '#fff' : color,
      });
      overlayContext.lineWidth = 1.75 * unit;
      overlayContext.fill();
      overlayContext.stroke();
    }
}

export function setUpOutlineTool() {
  listen(overlayCanvas, 'keydown', handleKey);
  on('tool', () => {
    if (!isOn()) {
      apply();
      outline = null;
      selected = null;
    }
    load();
  });
  on('log masks frame objects medium', load);
}
