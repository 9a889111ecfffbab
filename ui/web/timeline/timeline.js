// The rail: which frames of the clip are in sight, where each of them lies, and what pointers do on it. Thumbnails, heat,
// lanes and range draw themselves with its measures; the slider below always stands for the whole clip.

import { isClip, timeOf } from '../core/media.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { clock } from '../shared/format.js';
import { clamp } from '../shared/values.js';
import { drawSoon, frameUnder, tracks } from './drawing.js';
import { framesAcross, isVisible, pixelsAFrame, THUMB_WIDTH, xOf } from './geometry.js';
import { aboutMask, markerUnder, objectUnder } from './lanes.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';

const MIN_VISIBLE = 12; // frames in sight at the closest
const COMFORTABLE_STEP = 9; // CSS pixels a frame: where all have that, there is nothing to enlarge
const TOUCH_SLOP = 6; // CSS pixels before a finger drags; less is a tap, or the page scrolling
const tooltip = find('note');

// --- which frames are in sight ---

function setVisible(first, count) {
  const total = state.medium.frames;
  timeline.first = clamp(Math.round(first), 0, total - count);
  timeline.last = timeline.first + count - 1;
  emit('timeline');
}

// `around` keeps its place while more or fewer frames come into sight.
function zoomTimeline(factor, around = state.frame) {
  const total = state.medium.frames;
  const before = timeline.last - timeline.first;
  timeline.wanted = clamp(timeline.wanted * factor, Math.min(MIN_VISIBLE, total), total);
  const count = Math.round(timeline.wanted);
  const share = isVisible(around) && before ? (around - timeline.first) / before : 0.5;
  setVisible(around - share * (count - 1), count);
}

function showWholeClip() {
  if (!isClip()) return;
  timeline.wanted = state.medium.frames;
  setVisible(0, state.medium.frames);
}

// Whoever steps out of sight is followed.
function keepFrameVisible() {
  if (isClip() && !isVisible(state.frame))
    setVisible(state.frame - framesAcross() / 2, timeline.last - timeline.first + 1);
}

function updateTimeline() {
  const total = state.medium.frames;
  const zoomed = timeline.last - timeline.first + 1 < total;
  const end = Math.max(1, total - 1);
  find('playhead').style.transform = `translateX(${xOf(state.frame)}px)`;
  find('playhead').style.visibility = isVisible(state.frame) ? '' : 'hidden';
  find('rail-out').disabled = !zoomed;
  find('rail-in').disabled = pixelsAFrame() >= COMFORTABLE_STEP * 4 || timeline.wanted <= MIN_VISIBLE;
  root.classList.toggle('mk-roomy', (timeline.width - THUMB_WIDTH) / end >= COMFORTABLE_STEP);
  find('scrub').style.setProperty('--from', zoomed ? timeline.first / end : 0);
  find('scrub').style.setProperty('--to', zoomed ? timeline.last / end : 0);
}

// --- pointers ---

let pressed = null; // {id, x, finger, moved}: a pointer that is down

export function scrubTo(event) {
  const frame = frameUnder(event);
  pause();
  if (frame !== state.frame) goTo(frame);
}

// A diamond is easier to hit than its frame, and belongs to an object.
function jumpTo(event) {
  const marker = markerUnder(event);
  if (!marker) return scrubTo(event);
  pause();
  if (marker.object !== state.active) objects.select(marker.object);
  goTo(marker.frame);
}

// --- what lies under the pointer, in words ---

function showTooltip(event) {
  const frame = frameUnder(event);
  const object = objectUnder(event);
  tooltip.textContent = [`Frame ${frame + 1}`, clock(timeOf(frame)), ...aboutMask(object, frame)].join(' · ');
  tooltip.hidden = false;
  const half = tooltip.offsetWidth / 2;
  tooltip.style.left = `${clamp(xOf(frame), half, Math.max(half, timeline.width - half))}px`;
}

function hideTooltip() {
  tooltip.hidden = true;
}

export function setUpTimeline() {
  listen(tracks, 'pointerdown', event => {
    if (event.button || !isClip() || event.target.closest('.mk-handle')) return;
    pressed = { id: event.pointerId, x: event.clientX, finger: event.pointerType === 'touch', moved: false };
    tracks.setPointerCapture(event.pointerId);
    if (!pressed.finger) jumpTo(event);
  });

  listen(tracks, 'pointermove', event => {
    if (!isClip() || event.target.closest('.mk-handle')) return hideTooltip();
    if (pressed?.id === event.pointerId) {
      pressed.moved ||= Math.abs(event.clientX - pressed.x) > (pressed.finger ? TOUCH_SLOP : 1);
      if (pressed.moved) scrubTo(event);
    }
    if (event.pointerType !== 'touch' || pressed?.moved) showTooltip(event);
  });

  listen(tracks, 'pointerup', event => {
    if (pressed?.id !== event.pointerId) return;
    if (pressed.finger && !pressed.moved) jumpTo(event);
    if (pressed.finger) hideTooltip();
    pressed = null;
  });

  listen(tracks, 'pointercancel', () => {
    pressed = null;
    hideTooltip();
  });
  listen(tracks, 'pointerleave', () => {
    if (!pressed) hideTooltip();
  });

  listen(
    tracks,
    'wheel',
    event => {
      if (!isClip()) return;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      const step = Math.sign(sideways) * Math.ceil(framesAcross() / 12);
      if (event.ctrlKey || event.metaKey) zoomTimeline(Math.exp(event.deltaY * 0.004), frameUnder(event));
      else if (Math.abs(sideways) > 1) setVisible(timeline.first + step, timeline.last - timeline.first + 1);
      else return; // the lanes or the page scroll
      event.preventDefault();
    },
    { passive: false },
  );

  listen(find('rail-in'), 'click', () => zoomTimeline(0.5));
  listen(find('rail-out'), 'click', () => zoomTimeline(2));

  on('medium', () => {
    pressed = null;
    hideTooltip();
    showWholeClip();
  });
  on('frame', keepFrameVisible);
  on('medium frame timeline', drawSoon(updateTimeline));
  new ResizeObserver(() => {
    timeline.width = tracks.clientWidth;
    if (isClip()) emit('timeline');
  }).observe(tracks);
}
