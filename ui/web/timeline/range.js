// In and out: the part of the clip that is played and tracked. Two handles on the rail; outside of them it is dimmed.

import { isClip, playedRange } from '../core/media.js';
import { announce } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline, update } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { drawSoon, frameUnder, tracks } from './drawing.js';
import { isVisible, pixelsAFrame, THUMB_WIDTH, xOf } from './geometry.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { scrubTo } from './timeline.js';

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

export const range = {
  set(first, last) {
    const end = state.medium.frames - 1;
    update({ range: first <= 0 && last >= end ? null : { first: clamp(first, 0, end), last: clamp(last, 0, end) } });
    emit('range');
  },

  // A range that begins behind its end goes on to the end of the clip, and the other way round.
  begin(frame = state.frame) {
    if (!isClip()) return;
    const { last } = playedRange();
    this.set(frame, last >= frame ? last : state.medium.frames - 1);
    this.say();
  },

  end(frame = state.frame) {
    if (!isClip()) return;
    const { first } = playedRange();
    this.set(first <= frame ? first : 0, frame);
    this.say();
  },

  clear() {
    if (!isClip() || !state.range) return;
    this.set(0, state.medium.frames - 1);
    this.say();
  },

  say() {
    const { first, last } = playedRange();
    announce(state.range ? `Range: frames ${first + 1} to ${last + 1}` : 'The whole clip');
  },
};

const handles = [
  {
    knob: find('in'),
    edge: 'first',
    move: frame => range.set(Math.min(frame, playedRange().last), playedRange().last),
  },
  {
    knob: find('out'),
    edge: 'last',
    move: frame => range.set(playedRange().first, Math.max(frame, playedRange().first)),
  },
];

function updateRange() {
  const { first, last } = playedRange();
  const half = pixelsAFrame() / 2;
  const left = clamp(xOf(first) - half, THUMB_WIDTH / 2, timeline.width);
  const right = clamp(xOf(last) + half, 0, timeline.width - THUMB_WIDTH / 2);
  find('before-in').style.width = `${state.range ? left : 0}px`;
  find('after-out').style.width = `${state.range ? timeline.width - right : 0}px`;
  for (const { knob, edge } of handles) {
    const frame = playedRange()[edge];
    knob.style.transform = `translateX(${edge === 'first' ? left : right}px)`;
    knob.style.visibility = isVisible(frame) ? '' : 'hidden';
    knob.setAttribute('aria-valuemin', 1);
    knob.setAttribute('aria-valuemax', state.medium.frames);
    knob.setAttribute('aria-valuenow', frame + 1);
    knob.setAttribute('aria-valuetext', `frame ${frame + 1} of ${state.medium.frames}`);
  }
  root.classList.toggle('mk-has-range', !!state.range);
  find('clear-range').disabled = !state.range;
}

// Dragged, a handle shows the frame at which it is; tapped, it is in nobody's way.
function makeDraggable({ knob, edge, move }) {
  let start = null;
  listen(knob, 'pointerdown', event => {
    if (event.button || !isClip()) return;
    const place = tracks.getBoundingClientRect().left + xOf(playedRange()[edge]);
    start = { x: event.clientX, offset: event.clientX - place, moved: false };
    knob.setPointerCapture(event.pointerId);
    event.preventDefault();
    knob.focus({ preventScroll: true });
  });
  listen(knob, 'pointermove', event => {
    if (!start) return;
    start.moved ||= Math.abs(event.clientX - start.x) > 3;
    if (!start.moved) return;
    pause();
    move(frameUnder({ clientX: event.clientX - start.offset }));
    if (playedRange()[edge] !== state.frame) goTo(playedRange()[edge]);
  });
  listen(knob, 'pointerup', event => {
    if (start?.moved) range.say();
    else if (start) scrubTo(event);
    start = null;
  });
  listen(knob, 'pointercancel', () => {
    start = null;
  });
}

function moveByKey(event, { edge, move }) {
  if (!(event.key in HANDLE_STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = HANDLE_STEPS[event.key] * (event.shiftKey ? 10 : 1);
  const end = state.medium.frames - 1;
  event.preventDefault(); // or it would step through the clip
  pause();
  move(clamp(playedRange()[edge] + step, 0, end));
  goTo(playedRange()[edge]);
}

export function setUpRange() {
  for (const handle of handles) {
    makeDraggable(handle);
    listen(handle.knob, 'keydown', event => moveByKey(event, handle));
  }
  listen(find('set-in'), 'click', () => range.begin());
  listen(find('set-out'), 'click', () => range.end());
  listen(find('clear-range'), 'click', () => range.clear());

  on('medium', () => emit('range'));
  on('medium range timeline', drawSoon(updateRange));
}
