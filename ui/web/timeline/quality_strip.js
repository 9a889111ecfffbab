// The quality strip: how suspicious the masks are, frame by frame, and going from one suspicious frame to the next. It
// shows the selected object, or the worst of all where that has no masks. Higher and warmer is worse.

import { isClip, openMedium } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { blend } from '../shared/color.js';
import { on } from '../shared/events.js';
import { masks } from '../viewport/masks.js';
import { drawSoon, stripContext } from './drawing.js';
import { extent, pixelsPerFrame } from './geometry.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { nextAfter, suspicionOf, worstFrames } from './quality.js';

const STRIP_HEIGHT = 12;
const COLOR_STEPS = 16;

export const qualityCanvas = find('quality-strip');

/**
 * Prompted frames are never suspicious, nor are those without a mask.
 * @param {number} object
 * @param {number} frame
 */
export function suspicionAt(object, frame) {
  const facts = masks.facts(object, frame);
  if (!facts || state.log.prompts.get(object)?.has(frame)) return { score: 0, reason: '' };
  const { width, height } = openMedium();
  const before = [1, 2, 3].map(back => masks.facts(object, frame - back));
  return suspicionOf(facts, before, masks.facts(object, frame + 1), width * height);
}

/**
 * The scores of all frames.
 * @param {number} object
 */
const suspicionsOf = object =>
  Float32Array.from({ length: masks.length }, (_, frame) => suspicionAt(object, frame).score);

/** @param {number} object */
const hasMasks = object => masks.lanes.get(object)?.some(Boolean) ?? false;

const shownObjects = () => (hasMasks(state.active) ? [state.active] : objects.listed.filter(hasMasks));

/** @type {({ score: number; object: number } | undefined)[]} of each frame, the object that looks worst */
let worst = [];

/** @param {number} frame */
export const worstObjectAt = frame => worst[frame]?.object;

function measureQuality() {
  worst = new Array(masks.length);
  for (const object of shownObjects()) {
    const lane = masks.lane(object);
    suspicionsOf(object).forEach((score, frame) => {
      if (lane[frame] && score > (worst[frame]?.score ?? -1)) worst[frame] = { score, object };
    });
  }
}

function drawQualityStrip() {
  measureQuality();
  const context = stripContext(qualityCanvas, STRIP_HEIGHT);
  const style = getComputedStyle(root);
  const colors = ['calm', 'warm', 'hot'].map(name => style.getPropertyValue(`--mk-quality-${name}`).trim());
  const [left, width] = extent(timeline.first, timeline.last);
  context.fillStyle = style.getPropertyValue('--mk-line');
  context.fillRect(left, STRIP_HEIGHT - 1, width, 1);
  const framesPerPixel = Math.max(1, Math.floor(1 / pixelsPerFrame())); // the worst of them is drawn
  for (let first = timeline.first; first <= timeline.last; first += framesPerPixel) {
    const last = Math.min(timeline.last, first + framesPerPixel - 1);
    const scores = worst.slice(first, last + 1).flatMap(each => each?.score ?? []);
    if (scores.length) drawQualityBar(context, extent(first, last), Math.max(...scores), colors);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[left: number, width: number]} extent
 * @param {number} score
 * @param {string[]} colors
 */
function drawQualityBar(context, [left, width], score, colors) {
  const step = Math.round(score * COLOR_STEPS) / COLOR_STEPS;
  const height = 2 + step * (STRIP_HEIGHT - 2);
  context.fillStyle = blend(colors, step);
  context.fillRect(left, STRIP_HEIGHT - height, Math.max(1, width), height);
}

// --- from one suspicious frame to the next ---

/**
 * Goes to a frame on which the selected object is suspicious, or where there is none, any other object.
 * @param {1 | -1} step
 */
export function nextSuspicious(step) {
  if (!isClip()) return;
  const others = objects.listed.filter(object => object !== state.active);
  for (const group of [[state.active], others]) {
    const found = group.map(object => ({ object, frames: worstFrames(suspicionsOf(object)) }));
    const marked = [...new Set(found.flatMap(({ frames }) => frames))].sort((a, b) => a - b);
    const next = nextAfter(marked, state.frame, step);
    for (const { object, frames } of found) if (frames.includes(next)) return showSuspicious(object, next);
  }
  const known = objects.listed.some(hasMasks);
  toast(known ? 'No frame looks suspicious.' : 'Nothing to review yet. Click on a thing and track it first.', 'hint');
}

/** What the tip says about a frame while that is shown. */
let explanation = { frame: -1, text: '' };

/**
 * @param {number} object
 * @param {number} frame
 */
function showSuspicious(object, frame) {
  pause();
  if (object !== state.active) objects.select(object);
  goTo(frame);
  const text = `Frame ${frame + 1}: ${suspicionAt(object, frame).reason} (${objects.trait(object).name})`;
  showTip(text);
  announce(text);
  explanation = { frame, text };
}

export function setUpQualityStrip() {
  on('frame', () => {
    if (explanation.frame !== state.frame && find('tip').textContent === explanation.text) showTip('');
  });

  listen(find('suspicious'), 'click', event => nextSuspicious(event.shiftKey ? -1 : 1));
  on('medium masks log objects theme timeline', drawSoon(drawQualityStrip));
}
