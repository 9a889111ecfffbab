// Tools that draw. A scribble becomes a few points, and so does a lasso that snaps to edges, with a box around it. A lasso that
// does not and a brush change the mask itself: with the stroke added or taken away it becomes the mask prompt.

/** @import { Tool } from './pointer.js' */

import { frameSize } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { state, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { clamp } from '../shared/values.js';
import { NEGATIVE_COLOR, POSITIVE_COLOR } from '../viewport/markers.js';
import { drawOverlay, overlayContext, toFrame } from '../viewport/viewport.js';
import { brush } from './brush.js';
import { clampToFrame, isInFrame } from './geometry.js';
import { drawMask, hasMask, setMaskPrompt } from './mask_prompt.js';
import { withPoints } from './prompt_edits.js';
import { prompts } from './prompts.js';
import { boxBetween, innerPoints, pathLength, pointsAlong, roundToTenth } from './shapes.js';

/**
 * @typedef {object} Stroke
 * @property {'scribble' | 'lasso' | 'paint'} kind
 * @property {Position[]} path
 * @property {boolean} negative
 * @property {number} size of the brush, in pixels of the frame
 * @property {number} frame
 * @property {number} object
 * @property {Prompt} [prompt] the mask prompt that the stroke is part of, once it was sent
 */

const MAX_SCRIBBLE_POINTS = 6;
const SCRIBBLE_SPACING = 50; // CSS pixels from one point to the next

/** @type {Stroke | null} the one being drawn */
let current = null;
/** @type {Stroke[]} drawn, but not yet part of a mask on the canvas */
const unmerged = [];
/** Strokes are merged into the mask one after the other. */
let merging = Promise.resolve();

/**
 * @param {Stroke['kind']} kind
 * @param {(stroke: Stroke, since: number) => void} finish
 * @returns {Tool}
 */
export const strokeTool = (kind, finish) => ({
  down({ from, negative, frame, object }) {
    current = { kind, path: [from], negative, size: brush.size / view.scale, frame, object };
    drawOverlay();
  },
  move(press, event) {
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const each of coalesced.length ? coalesced : [event]) if (current) extend(current.path, toFrame(each));
    drawOverlay();
  },
  up(press, event) {
    const stroke = current;
    current = null;
    if (stroke) finish(stroke, event.timeStamp);
    drawOverlay();
  },
  cancel() {
    current = null;
  },
});

/**
 * @param {Position[]} path
 * @param {Position} position
 */
function extend(path, [x, y]) {
  const [lastX, lastY] = path[path.length - 1];
  if (Math.hypot(x - lastX, y - lastY) * view.scale >= 1) path.push([x, y]);
}

/**
 * @param {Stroke} stroke
 * @param {number} since when the user let go
 */
export function finishScribble({ path, negative }, since) {
  const count = clamp(Math.round((pathLength(path) * view.scale) / SCRIBBLE_SPACING), 1, MAX_SCRIBBLE_POINTS);
  prompts.addPoints(pointsAlong(path, count).filter(isInFrame), negative, since);
}

/**
 * @param {Stroke} stroke
 * @param {number} since when the user let go
 */
export function finishLasso(stroke, since) {
  if (stroke.path.length < 3) return showTip(tr('Draw a line around the part you mean.'));
  if (isSnapping) snap(stroke, since);
  else finishPaint(stroke, since);
}

const MAX_SNAP_POINTS = 3;
let isSnapping = true;

/**
 * The network finds the edge of what is inside the lasso: by points well inside, and a box around them.
 * @param {Stroke} stroke
 * @param {number} since when the user let go
 */
function snap({ path, negative, frame, object }, since) {
  const points = innerPoints(path.map(clampToFrame), MAX_SNAP_POINTS);
  if (negative) return void prompts.addPoints(points, true, since);
  const prompt = withPoints(state.log.prompt(frame, object), points, false, about.max_points);
  const corners = path.map(clampToFrame).map(roundToTenth);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const box = boxBetween([Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]);
  if (box[2] - box[0] < 1 || box[3] - box[1] < 1) return;
  prompts.set(frame, object, { ...prompt, boxes: [...(prompt.boxes ?? []), box] }, since);
}

/**
 * @param {Stroke} stroke
 * @param {number} since when the user let go
 */
export function finishPaint(stroke, since) {
  if (stroke.negative && !hasMask(stroke.frame, stroke.object))
    return toast(tr('There is no mask to take away from yet.'), 'hint');
  unmerged.push(stroke);
  merging = merging
    .then(() => merge(stroke, since))
    .catch(error => {
      dropStrokes();
      toast(tr('This could not be drawn. Try it again.'));
      console.warn(error);
    });
}

/**
 * @param {Stroke} stroke
 * @param {number} since
 */
async function merge(stroke, since) {
  const { version } = state;
  const context = await drawMask(stroke.frame, stroke.object);
  if (version !== state.version) return;
  if (!context) return dropStrokes();
  context.globalCompositeOperation = stroke.negative ? 'destination-out' : 'source-over';
  paint(context, stroke, '#fff');
  stroke.prompt = setMaskPrompt(opaque(context.canvas), stroke.frame, stroke.object, since);
  if (!stroke.prompt) dropStrokes();
}

function dropStrokes() {
  unmerged.length = 0;
  drawOverlay();
}

// --- drawing ---

/** @param {Stroke} stroke */
function lineOf({ kind, path }) {
  const line = new Path2D();
  for (const [x, y] of path) line.lineTo(x, y); // the first one begins the line
  if (kind === 'lasso') line.closePath();
  else if (path.length === 1) line.lineTo(path[0][0] + 0.01, path[0][1]); // a dot
  return line;
}

/**
 * What the stroke covers.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {string} color
 */
function paint(context, stroke, color) {
  context.fillStyle = context.strokeStyle = color;
  if (stroke.kind === 'lasso') return context.fill(lineOf(stroke));
  Object.assign(context, { lineWidth: stroke.size, lineCap: 'round', lineJoin: 'round' });
  context.stroke(lineOf(stroke));
}

/** Strokes are shown until a mask that they are part of is on the canvas. */
export function drawStrokes() {
  if (state.playing) return;
  for (const stroke of current ? [...unmerged, current] : unmerged)
    if (stroke.frame === state.shown.frame) drawStroke(stroke);
}

/** @param {Stroke} stroke */
function drawStroke(stroke) {
  const { width, height } = frameSize(stroke.frame);
  overlayContext.save();
  overlayContext.beginPath();
  overlayContext.rect(0, 0, width, height);
  overlayContext.clip();
  if (stroke.kind === 'scribble' || (stroke === current && stroke.kind === 'lasso')) drawLine(stroke);
  else {
    overlayContext.globalCompositeOperation = 'destination-out';
    paint(overlayContext, stroke, '#000');
    overlayContext.globalCompositeOperation = 'source-over';
    overlayContext.globalAlpha = state.opacity;
    if (!stroke.negative) paint(overlayContext, stroke, objects.color(stroke.object));
  }
  overlayContext.restore();
}

/** @param {Stroke} stroke */
function drawLine(stroke) {
  const color = stroke.negative ? NEGATIVE_COLOR : POSITIVE_COLOR;
  const line = lineOf(stroke);
  if (stroke.kind === 'lasso') {
    overlayContext.fillStyle = `${color}33`;
    overlayContext.fill(line);
  }
  Object.assign(overlayContext, {
    lineCap: 'round',
    lineJoin: 'round',
    strokeStyle: '#fffc',
    lineWidth: 5 / view.scale,
  });
  overlayContext.stroke(line);
  Object.assign(overlayContext, { strokeStyle: color, lineWidth: 3 / view.scale });
  overlayContext.stroke(line);
}

/** @param {boolean} snaps */
function setSnapping(snaps) {
  isSnapping = snaps;
  find('snap').setAttribute('aria-pressed', String(snaps));
}

export function setUpStrokes() {
  setSnapping(loadSetting('masklet-snap') !== 'off');
  listen(find('snap'), 'click', () => {
    setSnapping(!isSnapping);
    saveSetting('masklet-snap', isSnapping ? 'on' : 'off');
    announce(isSnapping ? tr('The lasso snaps to edges') : tr('The lasso takes what is drawn'));
  });

  // A mask on the canvas holds all strokes up to the one that it was requested for.
  on('painted', question => {
    if (question.t !== 'set_prompt') return;
    const last = unmerged.findIndex(stroke => stroke.prompt === question.prompt);
    if (last < 0) return;
    unmerged.splice(0, last + 1);
    drawOverlay();
  });
  on('medium', () => {
    current = null;
    unmerged.length = 0;
  });
  on('frame', () => {
    if (unmerged.some(stroke => stroke.frame !== state.frame)) unmerged.length = 0;
  });
  on('server-error', ({ question }) => {
    if (question) dropStrokes();
  });
  on('log', () => {
    // Prompts may be undone before they are answered.
    const holds = (/** @type {Stroke} */ { prompt, frame, object }) =>
      !prompt || state.log.prompt(frame, object) === prompt;
    if (unmerged.length && !unmerged.some(holds)) dropStrokes();
  });
}
