// The heat strip: how suspicious the masks are, frame by frame, and the way from one suspicious frame to the next. It shows
// the active object, or where that has no masks the worst of all. Higher and warmer is worse.

import { isClip } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { blend } from '../shared/color.js';
import { on } from '../shared/events.js';
import { masks } from '../viewport/masks.js';
import { contextOf, drawSoon } from './drawing.js';
import { extent, pixelsAFrame } from './geometry.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { nextAfter, suspicionOf, worstFrames } from './quality.js';

const STRIP_HEIGHT = 12;
const COLOR_STEPS = 16;

export const qualityCanvas = find('heat');

// What the user said is not doubted, nor is what is unknown.
export function suspicionAt(object, frame, said = state.log.prompts) {
  const here = masks.facts(object, frame);
  if (!here || said.get(object)?.has(frame)) return { score: 0, reason: '' };
  const pixels = state.medium.height * state.medium.width;
  const earlier = [1, 2, 3].map(back => masks.facts(object, frame - back));
  return suspicionOf(here, earlier, masks.facts(object, frame + 1), pixels);
}

// A score per frame.
function suspicionsOf(object) {
  const said = state.log.prompts;
  return Float32Array.from({ length: state.medium.frames }, (_, frame) => suspicionAt(object, frame, said).score);
}

const hasMasks = object => masks.lanes.get(object)?.some(Boolean) ?? false;

// The objects whose worst the strip shows.
const shownObjects = () => (hasMasks(state.active) ? [state.active] : objects.listed.filter(hasMasks));

// {score, object} a frame, of the object that looks worst there; undefined where nothing is known.
let worst = [];

export const worstObjectAt = frame => worst[frame]?.object;

function measureQuality() {
  worst = new Array(state.medium.frames);
  for (const object of shownObjects()) {
    const lane = masks.lane(object);
    suspicionsOf(object).forEach((score, frame) => {
      if (lane[frame] && !(worst[frame]?.score >= score)) worst[frame] = { score, object };
    });
  }
}

function drawQualityStrip() {
  measureQuality();
  const pen = contextOf(qualityCanvas, STRIP_HEIGHT);
  const style = getComputedStyle(root);
  const colors = ['calm', 'warm', 'hot'].map(name => style.getPropertyValue(`--mk-heat-${name}`).trim());
  const [start, across] = extent(timeline.first, timeline.last);
  pen.fillStyle = style.getPropertyValue('--mk-line');
  pen.fillRect(start, STRIP_HEIGHT - 1, across, 1);
  const together = Math.max(1, Math.floor(1 / pixelsAFrame())); // frames that share a pixel: the worst of them counts
  for (let first = timeline.first; first <= timeline.last; first += together) {
    const last = Math.min(timeline.last, first + together - 1);
    const known = worst
      .slice(first, last + 1)
      .filter(Boolean)
      .map(each => each.score);
    if (known.length) drawQualityBar(pen, extent(first, last), Math.max(...known), colors);
  }
}

function drawQualityBar(pen, [left, width], score, colors) {
  const step = Math.round(score * COLOR_STEPS) / COLOR_STEPS;
  const height = 2 + step * (STRIP_HEIGHT - 2);
  pen.fillStyle = blend(colors, step);
  pen.fillRect(left, STRIP_HEIGHT - height, Math.max(1, width), height);
}

// --- from one suspicious frame to the next ---

// The active object's first; where that looks right everywhere, those of the others.
export function nextSuspicious(step) {
  if (!isClip()) return;
  const others = objects.listed.filter(object => object !== state.active);
  for (const group of [[state.active], others]) {
    const found = group.map(object => ({ object, worst: worstFrames(suspicionsOf(object)) }));
    const marked = [...new Set(found.flatMap(each => each.worst))].sort((a, b) => a - b);
    if (!marked.length) continue;
    const frame = nextAfter(marked, state.frame, step);
    return showSuspicious(found.find(each => each.worst.includes(frame)).object, frame);
  }
  const known = objects.listed.some(hasMasks);
  toast(known ? 'No frame looks suspicious.' : 'Nothing to review yet. Click on a thing and track it first.', 'hint');
}

function showSuspicious(object, frame) {
  pause();
  if (object !== state.active) objects.select(object);
  goTo(frame);
  const words = `Frame ${frame + 1}: ${suspicionAt(object, frame).reason} (${objects.trait(object).name})`;
  showTip(words);
  announce(words);
  explained = { frame, words };
}

// Why a frame was shown is of interest while it is shown.
let explained = null;

export function setUpQualityStrip() {
  on('frame', () => {
    if (explained && explained.frame !== state.frame && find('tip').textContent === explained.words) showTip('');
  });

  listen(find('suspicious'), 'click', event => nextSuspicious(event.shiftKey ? -1 : 1));
  on('medium masks log objects theme timeline', drawSoon(drawQualityStrip));
}
