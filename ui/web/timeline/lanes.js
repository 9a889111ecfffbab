// The lanes: one an object. Full is a mask, stripes are a mask that is out of date, a thin line is "not in this frame",
// diamonds are frames on which something was said. They share a fixed height, so nothing moves when objects come.

import { isClip } from '../core/media.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { ABSENT, masks, STALE, UNKNOWN } from '../viewport/masks.js';
import { contextOf, drawSoon, frameUnder, tracks } from './drawing.js';
import { extent, isVisible, xOf } from './geometry.js';
import { SUSPICIOUS } from './quality.js';
import { qualityCanvas, suspicionAt, worstObjectAt } from './quality_strip.js';

const MAX_LANE_HEIGHT = 16;
const MIN_LANE_HEIGHT = 6; // CSS pixels from lane to lane; below the least, the lanes scroll
const STRIPE = 6;
const POINTER_AROUND = 8;
const FINGER_AROUND = 16; // CSS pixels around a diamond that belong to it

const lanesView = find('lanes-view');
const lanesCanvas = find('lanes');
const stripes = new Map(); // color -> a tile of stripes

function laneMeasures() {
  const count = Math.max(1, objects.listed.length);
  const room = lanesView.clientHeight;
  const pitch = clamp(Math.floor(room / count), MIN_LANE_HEIGHT, MAX_LANE_HEIGHT);
  const height = Math.max(room, count * pitch);
  return { pitch, height, top: Math.max(0, Math.floor((height - count * pitch) / 2)), gap: pitch > 9 ? 4 : 2 };
}

function drawLanes() {
  const { pitch, height, top, gap } = laneMeasures();
  const bar = pitch - gap;
  const pen = contextOf(lanesCanvas, height);
  const said = state.log.prompts;
  lanesCanvas.style.height = `${height}px`;
  const quiet = getComputedStyle(root).getPropertyValue('--mk-line');
  objects.listed.forEach((object, row) => {
    const strong = object === state.active;
    const y = top + row * pitch + gap / 2;
    pen.globalAlpha = (strong ? 1 : 0.55) * (objects.isVisible(object) ? 1 : 0.4);
    drawLane(pen, object, y, bar, quiet);
    if (strong) drawActiveSign(pen, y, bar);
    pen.globalAlpha = 1;
    for (const frame of said.get(object)?.keys() ?? []) {
      if (isVisible(frame)) drawDiamond(pen, xOf(frame), y + bar / 2, Math.min(5, pitch / 2), objects.color(object));
    }
  });
  find('lanes-empty').hidden = objects.listed.length > 0;
}

function drawLane(pen, object, y, bar, quiet) {
  const color = objects.color(object);
  const block = (from, to, top, height) => {
    const [left, width] = extent(from, to);
    pen.fillRect(left, top, Math.max(1, width), height);
  };
  pen.fillStyle = quiet;
  block(timeline.first, timeline.last, y, bar);
  for (const [value, from, to] of laneRuns(masks.lane(object))) {
    if (to < timeline.first || from > timeline.last || value === UNKNOWN) continue;
    pen.fillStyle = value === STALE ? striped(pen, color) : color;
    if (value === ABSENT) block(from, to, y + Math.floor(bar / 2) - 1, 2);
    else block(from, to, y, bar);
  }
}

// Stretches of equal values: [value, first, last].
function* laneRuns(lane) {
  for (let start = 0, end = 0; start < lane.length; start = end + 1) {
    for (end = start; lane[end + 1] === lane[start]; ) end += 1;
    yield [lane[start], start, end];
  }
}

function striped(pen, color) {
  if (!stripes.has(color)) {
    const [tile, ink] = canvasOf(STRIPE, STRIPE);
    ink.strokeStyle = color;
    ink.lineWidth = 2.4;
    for (const shift of [-STRIPE, 0, STRIPE]) {
      ink.beginPath();
      ink.moveTo(shift - 1, STRIPE + 1);
      ink.lineTo(shift + STRIPE + 1, -1);
      ink.stroke();
    }
    stripes.set(color, tile);
  }
  return pen.createPattern(stripes.get(color), 'repeat');
}

function drawActiveSign(pen, y, bar) {
  pen.fillStyle = getComputedStyle(root).color;
  pen.fillRect(0, y, 3, bar);
}

function drawDiamond(pen, x, y, size, color) {
  pen.beginPath();
  for (const [dx, dy] of [
    [0, -size],
    [size, 0],
    [0, size],
    [-size, 0],
  ])
    pen.lineTo(x + dx, y + dy);
  pen.closePath();
  pen.fillStyle = color;
  pen.strokeStyle = '#fff';
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.strokeStyle = '#18181b';
  pen.lineWidth = 0.5;
  pen.fill();
  pen.stroke();
}

// --- what lies under a pointer ---

function laneUnder(event) {
  const box = lanesView.getBoundingClientRect();
  const { pitch, top } = laneMeasures();
  if (event.clientY < box.top || event.clientY >= box.bottom) return undefined;
  return objects.listed[Math.floor((event.clientY - box.top + lanesView.scrollTop - top) / pitch)];
}

export function objectUnder(event) {
  const { top, bottom } = qualityCanvas.getBoundingClientRect();
  const inHeat = event.clientY >= top && event.clientY < bottom;
  return inHeat ? worstObjectAt(frameUnder(event)) : laneUnder(event);
}

export function markerUnder(event) {
  const object = laneUnder(event);
  const x = event.clientX - tracks.getBoundingClientRect().left;
  const reach = event.pointerType === 'touch' ? FINGER_AROUND : POINTER_AROUND;
  const away = frame => Math.abs(xOf(frame) - x);
  const near = [...(state.log.prompts.get(object)?.keys() ?? [])].filter(
    frame => isVisible(frame) && away(frame) <= reach,
  );
  return near.length ? { object, frame: near.sort((a, b) => away(a) - away(b))[0] } : null;
}

// The words about an object on a frame.
export function aboutMask(object, frame) {
  if (object === undefined) return [];
  const known = masks.lane(object)[frame];
  const facts = masks.facts(object, frame);
  const words = [objects.trait(object).name];
  if (state.log.prompts.get(object)?.has(frame)) words.push('you clicked here');
  if (known === UNKNOWN) words.push('not tracked yet');
  if (known === STALE) words.push('out of date');
  if (facts)
    words.push(facts.area ? `fit ${Math.round(100 * clamp(facts.predicted_iou, 0, 1))}%` : 'not in this frame');
  const { score, reason } = suspicionAt(object, frame);
  if (score >= SUSPICIOUS) words.push(reason);
  return words;
}

// The active object's lane scrolls into view.
function keepActiveInView() {
  if (!isClip()) return;
  const row = objects.listed.indexOf(state.active);
  const { pitch, top } = laneMeasures();
  const y = top + row * pitch;
  if (row < 0) return;
  if (y < lanesView.scrollTop) lanesView.scrollTop = y;
  else if (y + pitch > lanesView.scrollTop + lanesView.clientHeight)
    lanesView.scrollTop = y + pitch - lanesView.clientHeight;
}

// More lanes above or below are hinted at.
function hintAtMore() {
  const { scrollTop, clientHeight, scrollHeight } = lanesView;
  lanesView.classList.toggle('mk-more-above', scrollTop > 0);
  lanesView.classList.toggle('mk-more-below', scrollTop + clientHeight < scrollHeight - 1);
}

const updateLanes = drawSoon(() => {
  drawLanes();
  hintAtMore();
});
const showActive = drawSoon(keepActiveInView);

export function setUpLanes() {
  listen(lanesView, 'scroll', hintAtMore);
  on('medium masks log objects theme timeline', updateLanes);
  on('log objects', showActive);
}
