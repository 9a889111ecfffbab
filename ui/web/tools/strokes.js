// Tools that draw. A scribble becomes a few points; a lasso and a brush change the mask itself: what is seen, with the
// stroke added or taken away, is from then on the mask that is said (its prompt), pixel by pixel.

import { frameSize } from '../core/media.js';
import { showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { state, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { NEGATIVE, POSITIVE } from '../viewport/markers.js';
import { drawOverlay, overlayCanvas, overlayContext, toFrame, viewport } from '../viewport/viewport.js';
import { isInFrame } from './geometry.js';
import { drawMask, hasMask, setMaskPrompt } from './mask_prompt.js';
import { prompts } from './prompts.js';

const MAX_SCRIBBLE_POINTS = 6;
const SCRIBBLE_STEP = 50; // at most so many points, one every so many CSS pixels
const MIN_BRUSH = 4;
const MAX_BRUSH = 160; // CSS pixels across

export const brush = { size: 32 };
let stroke = null; // the one being drawn: {kind, path, negative, size, frame, object}
const strokes = []; // drawn, but not yet part of a mask on the canvas; {..., prompt} once it is asked for

export const strokeTool = (kind, finish) => ({
  down(press) {
    const { negative, frame, object } = press;
    stroke = { kind, path: [press.from], negative, size: brush.size / view.scale, frame, object };
    drawOverlay();
  },
  move(press, event) {
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const each of seen.length ? seen : [event]) extend(stroke.path, toFrame(each));
    drawOverlay();
  },
  up(press, event) {
    const done = stroke;
    stroke = null;
    finish(done, event.timeStamp);
    drawOverlay();
  },
  cancel() {
    stroke = null;
  },
});

function extend(path, [x, y]) {
  const [lastX, lastY] = path[path.length - 1];
  if (Math.hypot(x - lastX, y - lastY) * view.scale >= 1) path.push([x, y]);
}

// --- scribble ---

function alongPath(path, count) {
  const lengths = [0];
  for (let at = 1; at < path.length; at += 1) {
    lengths.push(lengths[at - 1] + Math.hypot(path[at][0] - path[at - 1][0], path[at][1] - path[at - 1][1]));
  }
  return Array.from({ length: count }, (unused, place) => {
    const wanted = (lengths[lengths.length - 1] * (place + 0.5)) / count;
    const at = Math.max(
      1,
      lengths.findIndex(each => each >= wanted),
    );
    if (path.length < 2) return path[0];
    const share = (wanted - lengths[at - 1]) / Math.max(1e-6, lengths[at] - lengths[at - 1]);
    return [0, 1].map(axis => path[at - 1][axis] + share * (path[at][axis] - path[at - 1][axis]));
  });
}

export function finishScribble({ path, negative }, since) {
  const length = path.reduce(
    (sum, [x, y], at) => (at ? sum + Math.hypot(x - path[at - 1][0], y - path[at - 1][1]) : 0),
    0,
  );
  const count = clamp(Math.round((length * view.scale) / SCRIBBLE_STEP), 1, MAX_SCRIBBLE_POINTS);
  prompts.points(alongPath(path, count).filter(isInFrame), negative, since);
}

// --- lasso and brush ---

function outline({ kind, path }) {
  const line = new Path2D();
  for (const [x, y] of path) line.lineTo(x, y); // the first one begins the line
  if (kind === 'lasso') line.closePath();
  else if (path.length === 1) line.lineTo(path[0][0] + 0.01, path[0][1]); // a dot
  return line;
}

function inkIn(pen, stroke) {
  if (stroke.kind === 'lasso') return pen.fill(outline(stroke));
  Object.assign(pen, { lineWidth: stroke.size, lineCap: 'round', lineJoin: 'round' });
  pen.stroke(outline(stroke));
}

export function finishLasso(done, since) {
  if (done.path.length < 3) return showTip('Draw a line around the part you mean.');
  finishPaint(done, since);
}

let merging = Promise.resolve(); // strokes become masks one after the other
export function finishPaint(done, since) {
  if (done.negative && !hasMask(done.frame, done.object))
    return toast('There is no mask to take away from yet.', 'hint');
  strokes.push(done);
  merging = merging
    .then(() => merge(done, since))
    .catch(error => {
      forgetStrokes();
      toast('This could not be drawn. Try it again.');
      console.warn(error);
    });
}

async function merge(done, since) {
  const version = state.version;
  const pen = await drawMask(done.frame, done.object);
  if (version !== state.version) return;
  if (!pen) return forgetStrokes();
  pen.globalCompositeOperation = done.negative ? 'destination-out' : 'source-over';
  pen.fillStyle = pen.strokeStyle = '#fff';
  inkIn(pen, done);
  done.prompt = setMaskPrompt(opaque(pen.canvas), done.frame, done.object, since);
  if (!done.prompt) forgetStrokes();
}

// --- drawing while it happens, and until the answer is there ---

export function drawStrokes() {
  if (state.playing) return;
  for (const each of stroke ? [...strokes, stroke] : strokes) if (each.frame === state.shown.frame) drawStroke(each);
}

function drawStroke(each) {
  const { width, height } = frameSize(each.frame);
  const isLive = each === stroke;
  const color = each.negative ? NEGATIVE : POSITIVE;
  overlayContext.save();
  overlayContext.beginPath();
  overlayContext.rect(0, 0, width, height);
  overlayContext.clip();
  if (each.kind === 'scribble' || (isLive && each.kind === 'lasso')) {
    if (each.kind === 'lasso') {
      overlayContext.fillStyle = `${color}33`;
      overlayContext.fill(outline(each));
    }
    for (const [style, wide] of [
      ['#fffc', 5],
      [color, 3],
    ]) {
      Object.assign(overlayContext, {
        strokeStyle: style,
        lineWidth: wide / view.scale,
        lineCap: 'round',
        lineJoin: 'round',
      });
      overlayContext.stroke(outline(each));
    }
  } else {
    overlayContext.globalCompositeOperation = 'destination-out';
    overlayContext.fillStyle = overlayContext.strokeStyle = '#000';
    inkIn(overlayContext, each);
    overlayContext.globalCompositeOperation = 'source-over';
    overlayContext.fillStyle = overlayContext.strokeStyle = objects.color(each.object);
    overlayContext.globalAlpha = state.opacity;
    if (!each.negative) inkIn(overlayContext, each);
  }
  overlayContext.restore();
}

function forgetStrokes() {
  strokes.length = 0;
  drawOverlay();
}

// --- the brush ---

export function setBrush(size, shows = false) {
  brush.size = clamp(Math.round(size), MIN_BRUSH, MAX_BRUSH);
  find('size').querySelector('input').value = brush.size;
  Object.assign(find('brush').style, { width: `${brush.size}px`, height: `${brush.size}px` });
  if (shows) previewBrush();
}

// Where nothing hovers (fingers, the slider), the size is shown in the middle for a moment.
let brushTimer = 0;
function previewBrush() {
  const circle = find('brush');
  circle.style.translate = `${viewport.clientWidth / 2}px ${viewport.clientHeight / 2}px`;
  circle.hidden = false;
  clearTimeout(brushTimer);
  brushTimer = setTimeout(() => {
    circle.hidden = true;
  }, 900);
}

export function placeBrush(event, isPanning) {
  const corner = overlayCanvas.getBoundingClientRect();
  const circle = find('brush');
  clearTimeout(brushTimer);
  circle.hidden = event.pointerType === 'touch' || isPanning;
  circle.style.translate = `${event.clientX - corner.left}px ${event.clientY - corner.top}px`;
}

export function setUpStrokes() {
  // A mask on the canvas holds all strokes up to the one that asked for it.
  on('painted', question => {
    const last = strokes.findIndex(each => each.prompt === question.prompt);
    if (last < 0) return;
    strokes.splice(0, last + 1);
    drawOverlay();
  });
  on('medium', () => {
    stroke = null;
    strokes.length = 0;
  });
  on('frame', () => {
    if (strokes.some(each => each.frame !== state.frame)) strokes.length = 0;
  });
  on('server-error', message => {
    if (message.question) forgetStrokes();
  });
  on('log', () => {
    // undone before it was answered
    const isOn = each => !each.prompt || state.log.prompt(each.frame, each.object) === each.prompt;
    if (strokes.length && !strokes.some(isOn)) forgetStrokes();
  });

  listen(overlayCanvas, 'pointerleave', () => {
    find('brush').hidden = true;
  });
  listen(find('size').querySelector('input'), 'input', event => setBrush(Number(event.target.value), true));
}
