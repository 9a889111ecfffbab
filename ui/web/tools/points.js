// The point tool: a click is a point, a drag is a box. An existing one can be dragged, and a click on it removes it.

/** @import { Press, Tool } from './pointer.js' */
/** @import { Edges } from './shapes.js' */

import { objects } from '../core/objects.js';
import { state, update, view } from '../core/store.js';
import { drawOverlay, toFrame } from '../viewport/viewport.js';
import { clampToFrame, isInFrame } from './geometry.js';
import { prompts } from './prompts.js';
import { boxBetween, edgesAt, roundToTenth, withEdgesAt } from './shapes.js';

/**
 * The point or the edges of a box that a press takes hold of; `point` and `box` are indices in the prompt.
 * @typedef {{ kind: 'point'; point: number }} PointGrip
 * @typedef {{ kind: 'columns' | 'rows' | 'corner' | 'other-corner'; box: number; edges: Edges }} BoxGrip
 * @typedef {PointGrip | BoxGrip} Grip
 */

export const REACH = 10; // CSS pixels around a point
const TOUCH_REACH = 16;
const EDGE_REACH = 6; // CSS pixels beside the edge of a box
const DOUBLE_CLICK = 400; // milliseconds
let pointAddedAt = 0; // time of the last point

/** @param {number} index */
const exceptAt = index => (/** @type {unknown} */ _, /** @type {number} */ other) => other !== index;

/**
 * @param {Position} position
 * @param {number} reach in CSS pixels
 * @returns {Grip | null}
 */
export function gripAt(position, reach) {
  if (!objects.isVisible(state.active) || state.shown.frame !== state.frame) return null;
  const { points = [], boxes = [] } = state.log.prompt(state.frame, state.active);
  const near = reach / view.scale;
  const point = points.findLastIndex(([x, y]) => Math.hypot(x - position[0], y - position[1]) <= near);
  if (point >= 0) return { kind: 'point', point };
  for (let box = boxes.length - 1; box >= 0; box -= 1) {
    const edges = edgesAt(boxes[box], position, reach === TOUCH_REACH ? near : EDGE_REACH / view.scale);
    if (edges.some(Boolean)) return { kind: kindOf(edges), box, edges };
  }
  return null;
}

/** @param {Edges} edges */
function kindOf([left, top, right, bottom]) {
  if (!left && !right) return 'rows';
  if (!top && !bottom) return 'columns';
  return left === top ? 'corner' : 'other-corner';
}

/**
 * The prompt if the drag ended at this position; null where that makes no box.
 * @param {Press} press
 * @param {Position} position
 * @returns {Prompt | null}
 */
function promptAt({ grip, frame, object, from, more }, position) {
  const prompt = state.log.prompt(frame, object);
  const { points = [], boxes = [] } = prompt;
  const end = roundToTenth(clampToFrame(position));
  if (grip?.kind === 'point')
    return { ...prompt, points: points.map((each, at) => (at === grip.point ? [...end, each[2]] : each)) };
  const box = grip ? withEdgesAt(boxes[grip.box], grip.edges, end) : boxBetween(roundToTenth(clampToFrame(from)), end);
  if (box[2] - box[0] < 1 || box[3] - box[1] < 1) return null;
  if (grip) return { ...prompt, boxes: boxes.map((each, at) => (at === grip.box ? box : each)) };
  return { ...prompt, boxes: more ? [...boxes, box] : [box] };
}

/**
 * @param {Pick<Press, 'grip' | 'from' | 'negative' | 'frame' | 'object'>} press
 * @param {number} since when the user clicked
 */
export function clickAt({ grip, from, negative, frame, object }, since) {
  const prompt = state.log.prompt(frame, object);
  const { points = [], boxes = [] } = prompt;
  if (grip?.kind === 'point') {
    const isLast = grip.point === points.length - 1;
    const isSame = points[grip.point][2] === (negative ? 0 : 1);
    const isDoubleClick = isLast && isSame && performance.now() - pointAddedAt < DOUBLE_CLICK;
    if (!isDoubleClick) prompts.set(frame, object, { ...prompt, points: points.filter(exceptAt(grip.point)) }, since);
  } else if (grip?.kind === 'corner' || grip?.kind === 'other-corner')
    prompts.set(frame, object, { ...prompt, boxes: boxes.filter(exceptAt(grip.box)) }, since);
  else if (isInFrame(from) && prompts.addPoints([from], negative, since)) pointAddedAt = performance.now();
}

/** @type {Tool} */
export const pointTool = {
  grip(position, isTouch) {
    return gripAt(position, isTouch ? TOUCH_REACH : REACH);
  },

  down(press) {
    press.grip = gripAt(press.from, press.isTouch ? TOUCH_REACH : REACH);
  },

  move(press, event) {
    if (!press.far) return;
    const prompt = promptAt(press, toFrame(event));
    update({ draftPrompt: prompt && { frame: press.frame, object: press.object, prompt } });
    drawOverlay();
  },

  up(press, event) {
    if (!press.far) return clickAt(press, event.timeStamp);
    const prompt = promptAt(press, toFrame(event));
    this.cancel();
    if (prompt) prompts.set(press.frame, press.object, prompt, event.timeStamp);
    drawOverlay();
  },

  hold(press) {
    clickAt(press, performance.now());
  },

  cancel() {
    update({ draftPrompt: null });
  },
};
