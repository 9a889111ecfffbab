// In and out: the part of the clip that is played and tracked, with two handles on the timeline; the rest is dimmed.

import { isClip, openMedium, playedRange } from '../core/media.js';
import { announce } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline, update } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { drawSoon, frameUnder, xUnder } from './drawing.js';
import { isVisible, pixelsPerFrame, THUMB_WIDTH, xOf } from './geometry.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { scrubTo } from './timeline.js';

const MIN_DRAG = 3; // CSS pixels; less is a click
/** @type {Record<string, number | undefined>} */
const HANDLE_STEPS = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -Infinity,
  End: Infinity,
};

/**
 * @param {number} first
 * @param {number} last
 */
function setRange(first, last) {
  const end = openMedium().frames - 1;
  update({ range: first <= 0 && last >= end ? null : { first: clamp(first, 0, end), last: clamp(last, 0, end) } });
  emit('range');
}

function announceRange() {
  const { first, last } = playedRange();
  announce(
    state.range ? tr('Range: frames {first} to {last}', { first: first + 1, last: last + 1 }) : tr('The whole clip'),
  );
}

export const range = {
  /** Begins at the current frame; where that lies behind the end, the range reaches to the end of the clip. */
  begin() {
    if (!isClip()) return;
    const { last } = playedRange();
    setRange(state.frame, last >= state.frame ? last : openMedium().frames - 1);
    announceRange();
  },

  /** Ends at the current frame; where that lies before the beginning, the range begins with the clip. */
  end() {
    if (!isClip()) return;
    const { first } = playedRange();
    setRange(first <= state.frame ? first : 0, state.frame);
    announceRange();
  },

  clear() {
    if (!isClip() || !state.range) return;
    setRange(0, openMedium().frames - 1);
    announceRange();
  },
};

/** @typedef {{ knob: HTMLElement; edge: keyof FrameRange; move: (frame: number) => void }} Handle */

/** @type {Handle[]} */
const handles = [
  {
    knob: find('in'),
    edge: 'first',
    move: frame => setRange(Math.min(frame, playedRange().last), playedRange().last),
  },
  {
    knob: find('out'),
    edge: 'last',
    move: frame => setRange(playedRange().first, Math.max(frame, playedRange().first)),
  },
];

function updateRange() {
  const { first, last } = playedRange();
  const half = pixelsPerFrame() / 2;
  const left = clamp(xOf(first) - half, THUMB_WIDTH / 2, timeline.width);
  const right = clamp(xOf(last) + half, 0, timeline.width - THUMB_WIDTH / 2);
  find('before-in').style.width = `${state.range ? left : 0}px`;
  find('after-out').style.width = `${state.range ? timeline.width - right : 0}px`;
  for (const { knob, edge } of handles) {
    const frame = playedRange()[edge];
    const { frames } = openMedium();
    knob.style.transform = `translateX(${edge === 'first' ? left : right}px)`;
    knob.style.visibility = isVisible(frame) ? '' : 'hidden';
    knob.setAttribute('aria-valuemin', '1');
    knob.setAttribute('aria-valuemax', `${frames}`);
    knob.setAttribute('aria-valuenow', `${frame + 1}`);
    knob.setAttribute('aria-valuetext', tr('frame {n} of {count}', { n: frame + 1, count: frames }));
  }
  root.classList.toggle('mk-has-range', !!state.range);
  find('clear-range').disabled = !state.range;
}

/**
 * While a handle is dragged, its frame is shown; a click on it goes to the frame below.
 * @param {Handle} handle
 */
function makeDraggable({ knob, edge, move }) {
  /** @type {{ x: number; offset: number; moved: boolean } | null} */
  let drag = null;
  listen(knob, 'pointerdown', event => {
    if (event.button || !isClip()) return;
    drag = { x: event.clientX, offset: xUnder(event) - xOf(playedRange()[edge]), moved: false };
    knob.setPointerCapture(event.pointerId);
    event.preventDefault();
    knob.focus({ preventScroll: true });
  });
  listen(knob, 'pointermove', event => {
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientX - drag.x) > MIN_DRAG;
    if (!drag.moved) return;
    pause();
    move(frameUnder({ clientX: event.clientX - drag.offset }));
    if (playedRange()[edge] !== state.frame) goTo(playedRange()[edge]);
  });
  listen(knob, 'pointerup', event => {
    if (drag?.moved) announceRange();
    else if (drag) scrubTo(event);
    drag = null;
  });
  listen(knob, 'pointercancel', () => {
    drag = null;
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {Handle} handle
 */
function moveByKey(event, { edge, move }) {
  const step = HANDLE_STEPS[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault(); // or the key would step through the clip
  pause();
  move(clamp(playedRange()[edge] + step * (event.shiftKey ? 10 : 1), 0, openMedium().frames - 1));
  goTo(playedRange()[edge]);
}

export function setUpRange() {
  for (const handle of handles) {
    makeDraggable(handle);
    listen(handle.knob, 'keydown', event => moveByKey(event, handle));
  }
  listen(find('set-in'), 'click', range.begin);
  listen(find('set-out'), 'click', range.end);
  listen(find('clear-range'), 'click', range.clear);

  on('medium', () => emit('range'));
  on('medium range timeline', drawSoon(updateRange));
}
