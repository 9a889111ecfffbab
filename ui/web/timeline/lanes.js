// The lanes, one per object. A bar is a mask, stripes are a stale mask, a thin line is "not in this frame", diamonds are
// prompted frames. All lanes share a fixed height, so that nothing moves when objects are added.

import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { ratedMask } from '../core/provenance.js';
import { state, timeline } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { ratingWord, SUSPICIOUS } from '../shared/ratings.js';
import { clamp } from '../shared/values.js';
import { ABSENT, masks, STALE, UNKNOWN } from '../viewport/masks.js';
import { tiled } from '../viewport/sprites.js';
import { drawSoon, frameUnder, stripContext, xUnder } from './drawing.js';
import { extent, isVisible, THUMB_WIDTH, xOf } from './geometry.js';
import { qualityCanvas, suspicionAt, worstObjectAt } from './quality_strip.js';

// CSS pixels
const MAX_LANE_HEIGHT = 18;
const MIN_LANE_HEIGHT = 6; // where all objects have that, the lanes scroll
const MIN_NAMED_HEIGHT = 12; // lower lanes have no room for a name
const MAX_NAME_WIDTH = 120;
const NAME_INDENT = 10; // behind the diamond of the first frame
const STRIPE_WIDTH = 6;
const POINTER_REACH = 8; // around a diamond
const FINGER_REACH = 16;

const lanesView = find('lanes-view');
const lanesCanvas = find('lanes');
/** @type {Map<string, HTMLCanvasElement>} color -> a tile of stripes */
const stripes = new Map();

function laneMeasures() {
  const count = Math.max(1, objects.listed.length);
  const available = lanesView.clientHeight;
  const pitch = clamp(Math.floor(available / count), MIN_LANE_HEIGHT, MAX_LANE_HEIGHT);
  const height = Math.max(available, count * pitch);
  return { pitch, height, top: Math.max(0, Math.floor((height - count * pitch) / 2)), gap: pitch > 9 ? 4 : 2 };
}

function drawLanes() {
  const { pitch, height, top, gap } = laneMeasures();
  const bar = pitch - gap;
  const context = stripContext(lanesCanvas, height);
  const background = getComputedStyle(root).getPropertyValue('--mk-line');
  lanesCanvas.style.height = `${height}px`;
  objects.listed.forEach((object, row) => {
    const isActive = object === state.active;
    const y = top + row * pitch + gap / 2;
    context.globalAlpha = (isActive ? 1 : 0.55) * (objects.isVisible(object) ? 1 : 0.4);
    drawLane(context, object, y, bar, background);
    if (isActive) drawActiveMark(context, y, bar);
    context.globalAlpha = 1;
    if (pitch >= MIN_NAMED_HEIGHT) drawName(context, objects.trait(object).name, y, bar);
    for (const frame of state.log.prompts.get(object)?.keys() ?? []) {
      if (isVisible(frame))
        drawDiamond(context, xOf(frame), y + bar / 2, Math.min(5, pitch / 2), objects.color(object));
    }
  });
  find('lanes-empty').hidden = objects.listed.length > 0;
}

/**
 * The name of an object at the beginning of its lane, with a halo, so that the lane is seen around it.
 * @param {CanvasRenderingContext2D} context
 * @param {string} name
 * @param {number} y
 * @param {number} bar the height of the lane
 */
function drawName(context, name, y, bar) {
  const style = getComputedStyle(root);
  context.font = `600 ${Math.min(11, bar - 1)}px ${style.fontFamily}`;
  const shown = shortened(context, name);
  const [x, middle] = [THUMB_WIDTH / 2 + NAME_INDENT, y + bar / 2 + 0.5];
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 4;
  context.strokeStyle = style.getPropertyValue('--mk-card');
  context.strokeText(shown, x, middle);
  context.fillStyle = style.color;
  context.fillText(shown, x, middle);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} name
 */
function shortened(context, name) {
  let shown = name;
  for (let length = name.length - 1; length > 1 && context.measureText(shown).width > MAX_NAME_WIDTH; length -= 1)
    shown = `${name.slice(0, length).trimEnd()}…`;
  return shown;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} object
 * @param {number} y
 * @param {number} bar its height
 * @param {string} background
 */
function drawLane(context, object, y, bar, background) {
  const color = objects.color(object);
  /** @type {(first: number, last: number, top: number, height: number) => void} */
  const block = (first, last, top, height) => {
    const [left, width] = extent(first, last);
    context.fillRect(left, top, Math.max(1, width), height);
  };
  context.fillStyle = background;
  block(timeline.first, timeline.last, y, bar);
  for (const { value, first, last } of runsOf(masks.lane(object))) {
    if (last < timeline.first || first > timeline.last || value === UNKNOWN) continue;
    context.fillStyle = value === STALE ? striped(context, color) : color;
    if (value === ABSENT) block(first, last, y + Math.floor(bar / 2) - 1, 2);
    else block(first, last, y, bar);
  }
}

/**
 * Runs of equal values.
 * @param {Uint8Array} lane
 */
function* runsOf(lane) {
  for (let first = 0, last = 0; first < lane.length; first = last + 1) {
    for (last = first; lane[last + 1] === lane[first]; ) last += 1;
    yield { value: lane[first], first, last };
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} color
 */
function striped(context, color) {
  const tile = stripes.get(color) ?? stripeTile(color);
  stripes.set(color, tile);
  return tiled(context, tile);
}

/** @param {string} color */
function stripeTile(color) {
  const [tile, context] = canvasOf(STRIPE_WIDTH, STRIPE_WIDTH);
  context.strokeStyle = color;
  context.lineWidth = 2.4;
  for (const shift of [-STRIPE_WIDTH, 0, STRIPE_WIDTH]) {
    context.beginPath();
    context.moveTo(shift - 1, STRIPE_WIDTH + 1);
    context.lineTo(shift + STRIPE_WIDTH + 1, -1);
    context.stroke();
  }
  return tile;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} y
 * @param {number} bar
 */
function drawActiveMark(context, y, bar) {
  context.fillStyle = getComputedStyle(root).color;
  context.fillRect(0, y, 3, bar);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} size from the center to a corner
 * @param {string} color
 */
function drawDiamond(context, x, y, size, color) {
  context.beginPath();
  for (const [dx, dy] of [
    [0, -size],
    [size, 0],
    [0, size],
    [-size, 0],
  ])
    context.lineTo(x + dx, y + dy);
  context.closePath();
  context.fillStyle = color;
  context.strokeStyle = '#fff';
  context.lineWidth = 1.5;
  context.stroke();
  context.strokeStyle = '#18181b';
  context.lineWidth = 0.5;
  context.fill();
  context.stroke();
}

// --- what lies under a pointer ---

/** @param {MouseEvent} event */
function laneUnder(event) {
  const box = lanesView.getBoundingClientRect();
  const { pitch, top } = laneMeasures();
  if (event.clientY < box.top || event.clientY >= box.bottom) return undefined;
  return objects.listed[Math.floor((event.clientY - box.top + lanesView.scrollTop - top) / pitch)];
}

/** @param {MouseEvent} event */
export function objectUnder(event) {
  const { top, bottom } = qualityCanvas.getBoundingClientRect();
  const inQualityStrip = event.clientY >= top && event.clientY < bottom;
  return inQualityStrip ? worstObjectAt(frameUnder(event)) : laneUnder(event);
}

/**
 * The prompt whose diamond is nearest, if it is near enough.
 * @param {PointerEvent} event
 */
export function promptUnder(event) {
  const object = laneUnder(event);
  if (object === undefined) return null;
  const x = xUnder(event);
  const reach = event.pointerType === 'touch' ? FINGER_REACH : POINTER_REACH;
  const distance = (/** @type {number} */ frame) => Math.abs(xOf(frame) - x);
  const near = [...(state.log.prompts.get(object)?.keys() ?? [])].filter(
    frame => isVisible(frame) && distance(frame) <= reach,
  );
  return near.length ? { object, frame: near.sort((a, b) => distance(a) - distance(b))[0] } : null;
}

/**
 * What the tooltip shows about an object on a frame.
 * @param {number | undefined} object
 * @param {number} frame
 */
export function describeMask(object, frame) {
  if (object === undefined) return [];
  const known = masks.lane(object)[frame];
  const facts = masks.facts(object, frame);
  const texts = [objects.trait(object).name];
  if (state.log.prompts.get(object)?.has(frame)) texts.push(tr('you clicked here'));
  if (known === UNKNOWN) texts.push(tr('not tracked yet'));
  if (known === STALE) texts.push(tr('out of date'));
  if (facts) texts.push(facts.area ? ratingWord(ratedMask(object, frame, facts)) : tr('not in this frame'));
  const { score, reason } = suspicionAt(object, frame);
  if (score >= SUSPICIOUS) texts.push(reason);
  return texts;
}

function scrollToActive() {
  const row = objects.listed.indexOf(state.active);
  const { pitch, top } = laneMeasures();
  const y = top + row * pitch;
  if (row >= 0) lanesView.scrollTop = clamp(lanesView.scrollTop, y + pitch - lanesView.clientHeight, y);
}

/** Shows that there are more lanes above or below. */
function updateScrollHints() {
  const { scrollTop, clientHeight, scrollHeight } = lanesView;
  lanesView.classList.toggle('mk-more-above', scrollTop > 0);
  lanesView.classList.toggle('mk-more-below', scrollTop + clientHeight < scrollHeight - 1);
}

const updateLanes = drawSoon(() => {
  drawLanes();
  updateScrollHints();
});

export function setUpLanes() {
  listen(lanesView, 'scroll', updateScrollHints);
  on('medium masks log objects theme timeline', updateLanes);
  on('log objects', drawSoon(scrollToActive));
}
