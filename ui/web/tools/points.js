// The point tool: a click is a point, a drag is a box. What stands there already can be dragged, and a click takes it away.

import { objects } from '../core/objects.js';
import { state, update, view } from '../core/store.js';
import { drawOverlay, toFrame } from '../viewport/viewport.js';
import { clampToFrame, isInFrame, roundToTenth } from './geometry.js';
import { prompts } from './prompts.js';

export const REACH = 10;
const FINGERTIP = 16;
const EDGE = 6; // CSS pixels around a marker, and beside the edge of a box
const DOUBLE_CLICK = 400; // milliseconds
let pointedAt = 0; // when the last point was made

// What a press at this place takes hold of: {kind, point} or {kind, box, sides}; sides = which of its four edges move.
export function gripAt(place, reach) {
  if (!objects.isVisible(state.active) || state.shown.frame !== state.frame) return null;
  const { points = [], boxes = [] } = state.log.prompt(state.frame, state.active);
  const near = reach / view.scale;
  const point = points.findLastIndex(([x, y]) => Math.hypot(x - place[0], y - place[1]) <= near);
  if (point >= 0) return { kind: 'point', point };
  for (let box = boxes.length - 1; box >= 0; box -= 1) {
    const sides = sidesAt(boxes[box], place, reach === FINGERTIP ? near : EDGE / view.scale);
    if (sides.some(Boolean)) return { kind: kindOf(sides), box, sides };
  }
  return null;
}

function sidesAt([left, top, right, bottom], [x, y], near) {
  if (x < left - near || x > right + near || y < top - near || y > bottom + near) return [];
  const [toLeft, toTop, toRight, toBottom] = [x - left, y - top, right - x, bottom - y].map(Math.abs);
  return [
    toLeft <= near && toLeft <= toRight,
    toTop <= near && toTop <= toBottom,
    toRight <= near && toRight < toLeft,
    toBottom <= near && toBottom < toTop,
  ];
}

function kindOf([left, top, right, bottom]) {
  if (!left && !right) return 'rows';
  if (!top && !bottom) return 'columns';
  return left === top ? 'corner' : 'other-corner';
}

const isCorner = grip => grip?.kind === 'corner' || grip?.kind === 'other-corner';

function without(said, name, place) {
  return { ...said, [name]: said[name].filter((each, other) => other !== place) };
}

// What would be said if the drag ended here; null where that is nothing.
function promptAt(press, place) {
  const said = state.log.prompt(press.frame, press.object);
  const { points = [], boxes = [] } = said;
  const { grip } = press;
  const [x, y] = roundToTenth(clampToFrame(place));
  if (grip?.kind === 'point') {
    return { ...said, points: points.map((each, other) => (other === grip.point ? [x, y, each[2]] : each)) };
  }
  const [left, top] = roundToTenth(clampToFrame(press.from));
  const corners = grip
    ? boxes[grip.box].map((edge, side) => (grip.sides[side] ? [x, y][side % 2] : edge))
    : [left, top, x, y];
  const box = [
    Math.min(corners[0], corners[2]),
    Math.min(corners[1], corners[3]),
    Math.max(corners[0], corners[2]),
    Math.max(corners[1], corners[3]),
  ];
  if (box[2] - box[0] < 1 || box[3] - box[1] < 1) return null;
  if (grip) return { ...said, boxes: boxes.map((each, other) => (other === grip.box ? box : each)) };
  return { ...said, boxes: press.more ? [...boxes, box] : [box] };
}

export const pointTool = {
  grip(place, event) {
    return gripAt(place, event?.pointerType === 'touch' ? FINGERTIP : REACH);
  },

  down(press) {
    press.grip = gripAt(press.from, press.finger ? FINGERTIP : REACH);
  },

  move(press, event) {
    if (!press.far) return;
    const prompt = promptAt(press, toFrame(event));
    update({ draftPrompt: prompt && { frame: press.frame, object: press.object, prompt } });
    drawOverlay();
  },

  up(press, event) {
    if (!press.far) return this.click(press, event.timeStamp);
    const prompt = promptAt(press, toFrame(event));
    this.cancel();
    if (prompt) prompts.set(press.frame, press.object, prompt, event.timeStamp);
    drawOverlay();
  },

  click({ grip, from, negative, frame, object }, since) {
    const said = state.log.prompt(frame, object);
    if (grip?.kind === 'point') {
      const isLast = grip.point === said.points.length - 1;
      const isSame = said.points[grip.point][2] === (negative ? 0 : 1);
      const isSecondClick = isLast && isSame && performance.now() - pointedAt < DOUBLE_CLICK;
      if (!isSecondClick) prompts.set(frame, object, without(said, 'points', grip.point), since);
    } else if (isCorner(grip)) prompts.set(frame, object, without(said, 'boxes', grip.box), since);
    else if (isInFrame(from) && prompts.points([from], negative, since)) pointedAt = performance.now();
  },

  hold(press) {
    this.click(press, performance.now());
  },

  cancel() {
    update({ draftPrompt: null });
  },
};
