// The quality strip: how suspicious the masks are, frame by frame, and going from one suspicious frame to the next. It
// shows the selected object, or the worst of all where that has no masks. Higher and warmer is worse; where nothing was
// checked, nothing is drawn.

import { isClip, playedRange } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { blend } from '../shared/color.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { masks, STALE, UNKNOWN } from '../viewport/masks.js';
import { drawSoon, stripContext } from './drawing.js';
import { extent, isVisible, pixelsPerFrame, xOf } from './geometry.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { describeChecks, nextAfter, suspicionOf, worstFrames } from './quality.js';

// CSS pixels
const STRIP_HEIGHT = 16;
const MARK_HEIGHT = 5; // of the triangles above the bars

const COLOR_STEPS = 16;

export const qualityCanvas = find('quality-strip');

const isPrompted = (/** @type {number} */ object, /** @type {number} */ frame) =>
  state.log.prompts.get(object)?.has(frame) ?? false;

/**
 * What the checks found; undefined where the mask was not checked. Prompted frames are never suspicious, nor are those
 * without a mask.
 * @param {number} object
 * @param {number} frame
 */
function checkedAt(object, frame) {
  const facts = masks.facts(object, frame);
  return isPrompted(object, frame) ? { score: 0, reason: '' } : facts && suspicionOf(facts);
}

/**
 * @param {number} object
 * @param {number} frame
 */
export const suspicionAt = (object, frame) => checkedAt(object, frame) ?? { score: 0, reason: '' };

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
    lane.forEach((known, frame) => {
      const score = known ? checkedAt(object, frame)?.score : undefined;
      if (score !== undefined && score > (worst[frame]?.score ?? -1)) worst[frame] = { score, object };
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
  context.fillStyle = style.getPropertyValue('--mk-bad');
  for (const object of shownObjects())
    for (const frame of worstFrames(suspicionsOf(object))) if (isVisible(frame)) drawMark(context, xOf(frame));
}

/**
 * A triangle that points at the worst frame of a place to check, so that it is found without its color.
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 */
function drawMark(context, x) {
  context.beginPath();
  context.moveTo(x - MARK_HEIGHT, 0);
  context.lineTo(x + MARK_HEIGHT, 0);
  context.lineTo(x, MARK_HEIGHT);
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[left: number, width: number]} extent
 * @param {number} score
 * @param {string[]} colors
 */
function drawQualityBar(context, [left, width], score, colors) {
  const step = Math.round(score * COLOR_STEPS) / COLOR_STEPS;
  const height = 2 + step * (STRIP_HEIGHT - MARK_HEIGHT - 2);
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
  toast(describeAllChecks(), 'hint');
}

/** What was checked, for the user, where no check found anything. */
export function describeAllChecks() {
  const tracked = objects.listed.filter(hasMasks);
  const nothing = tr('Nothing to review yet. Click on a thing and track it first.');
  return tracked.length ? describeChecks(countChecks(tracked)) : nothing;
}

/** Of each run of suspicious frames of an object the worst one, in the order of frames. */
export const suspiciousPlaces = () =>
  objects.listed
    .filter(hasMasks)
    .flatMap(object =>
      worstFrames(suspicionsOf(object)).map(frame => ({ object, frame, reason: suspicionAt(object, frame).reason })),
    )
    .sort((one, other) => one.frame - other.frame);

/**
 * On how many frames all of these objects were checked, one was not, or one was not even tracked.
 * @param {number[]} tracked
 */
function countChecks(tracked) {
  const counts = { checked: 0, unchecked: 0, untracked: 0 };
  for (let frame = 0; frame < masks.length; frame += 1) {
    const others = tracked.filter(object => !isPrompted(object, frame));
    if (!others.length) continue;
    const lanes = others.map(object => masks.lane(object)[frame]);
    if (lanes.includes(UNKNOWN)) counts.untracked += 1;
    else if (lanes.includes(STALE) || others.some(object => !checkedAt(object, frame))) counts.unchecked += 1;
    else counts.checked += 1;
  }
  return counts;
}

/** @typedef {{ object: number; frame: number }} Place */

/** Places that were looked at. The score is a part of their names, so one whose mask is tracked again counts anew. */
const seen = /** @type {Set<string>} */ (new Set());

/** @param {Place} place */
const nameOf = ({ object, frame }) => `${object} ${frame} ${suspicionAt(object, frame).score}`;

/** The places in the range where a mask looks wrong and nobody has looked yet, in the order of time. */
export function placesToCheck() {
  const { first, last } = playedRange();
  return suspiciousPlaces().filter(place => place.frame >= first && place.frame <= last && !wasSeen(place));
}

/**
 * Whether somebody has looked at a place.
 * @param {Place} place
 */
export const wasSeen = place => seen.has(nameOf(place));

/** Goes to the next of them, from the current frame on. */
export function checkNextPlace() {
  const places = placesToCheck();
  const next = places.find(({ frame }) => frame >= state.frame) ?? places[0];
  if (next) showSuspicious(next.object, next.frame);
}

/** What the tip says about a frame while that is shown. */
let explanation = { frame: -1, text: '' };

/**
 * @param {number} object
 * @param {number} frame
 */
export function showSuspicious(object, frame) {
  pause();
  if (object !== state.active) objects.select(object);
  goTo(frame);
  const text = tr('Frame {n}: {reason} ({name})', {
    n: frame + 1,
    reason: suspicionAt(object, frame).reason,
    name: objects.trait(object).name,
  });
  showTip(text);
  announce(text);
  explanation = { frame, text: find('tip').textContent };
  seen.add(nameOf({ object, frame }));
  emit('checked');
}

export function setUpQualityStrip() {
  on('medium', () => seen.clear());
  on('frame', () => {
    if (explanation.frame !== state.frame && find('tip').textContent === explanation.text) showTip('');
  });

  listen(find('suspicious'), 'click', event => nextSuspicious(event.shiftKey ? -1 : 1));
  on('medium masks log objects theme timeline', drawSoon(drawQualityStrip));
}
