// The timeline: which frames of the clip are visible, and what pointers do on it. Thumbnails, quality strip, lanes and range
// draw themselves by its geometry; the slider below always stands for the whole clip.

import { isClip, openMedium, timeOf } from '../core/media.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { targetOf } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { clock } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { drawSoon, frameUnder, tracks } from './drawing.js';
import { isVisible, pixelsPerFrame, THUMB_WIDTH, visibleSpan, xOf } from './geometry.js';
import { describeMask, objectUnder, promptUnder } from './lanes.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';

const MIN_VISIBLE = 12; // frames
const COMFORTABLE_FRAME = 9; // CSS pixels a frame; where all frames have that, the zoom buttons are hidden
const MIN_TOUCH_DRAG = 6; // CSS pixels; less is a tap, or the page scrolling
const tooltip = find('timeline-tooltip');

// --- which frames are visible ---

const visibleCount = () => timeline.last - timeline.first + 1;

/**
 * @param {number} first
 * @param {number} [count]
 */
function setVisible(first, count = visibleCount()) {
  timeline.first = clamp(Math.round(first), 0, openMedium().frames - count);
  timeline.last = timeline.first + count - 1;
  emit('timeline');
}

/**
 * @param {number} factor by which more frames are visible
 * @param {number} [fixed] the frame that does not move
 */
function zoomTimeline(factor, fixed = state.frame) {
  const { frames } = openMedium();
  timeline.wanted = clamp(timeline.wanted * factor, Math.min(MIN_VISIBLE, frames), frames);
  const count = Math.round(timeline.wanted);
  const share = isVisible(fixed) && visibleCount() > 1 ? (fixed - timeline.first) / (visibleCount() - 1) : 0.5;
  setVisible(fixed - share * (count - 1), count);
}

function showWholeClip() {
  if (!isClip()) return;
  timeline.wanted = openMedium().frames;
  setVisible(0, openMedium().frames);
}

function scrollToFrame() {
  if (isClip() && !isVisible(state.frame)) setVisible(state.frame - visibleSpan() / 2);
}

function updateTimeline() {
  const { frames } = openMedium();
  const zoomed = visibleCount() < frames;
  const end = Math.max(1, frames - 1);
  find('playhead').style.transform = `translateX(${xOf(state.frame)}px)`;
  find('playhead').style.visibility = isVisible(state.frame) ? '' : 'hidden';
  find('timeline-out').disabled = !zoomed;
  find('timeline-in').disabled = pixelsPerFrame() >= COMFORTABLE_FRAME * 4 || timeline.wanted <= MIN_VISIBLE;
  root.classList.toggle('mk-roomy', (timeline.width - THUMB_WIDTH) / end >= COMFORTABLE_FRAME);
  find('scrub').style.setProperty('--from', `${zoomed ? timeline.first / end : 0}`);
  find('scrub').style.setProperty('--to', `${zoomed ? timeline.last / end : 0}`);
}

// --- pointers ---

/** @type {{ id: number; x: number; isTouch: boolean; moved: boolean } | null} the pointer that is down */
let pressed = null;

/** @param {PointerEvent} event */
export function scrubTo(event) {
  const frame = frameUnder(event);
  pause();
  if (frame !== state.frame) goTo(frame);
}

/**
 * A click on a diamond also selects its object; it need not hit the frame exactly.
 * @param {PointerEvent} event
 */
function jumpTo(event) {
  const prompt = promptUnder(event);
  if (!prompt) return scrubTo(event);
  pause();
  if (prompt.object !== state.active) objects.select(prompt.object);
  goTo(prompt.frame);
}

/** @param {PointerEvent} event */
function showTooltip(event) {
  const frame = frameUnder(event);
  const texts = [tr('Frame {n}', { n: frame + 1 }), clock(timeOf(frame)), ...describeMask(objectUnder(event), frame)];
  tooltip.textContent = texts.join(' · ');
  tooltip.hidden = false;
  const half = tooltip.offsetWidth / 2;
  tooltip.style.left = `${clamp(xOf(frame), half, Math.max(half, timeline.width - half))}px`;
}

function hideTooltip() {
  tooltip.hidden = true;
}

/** @param {Event} event */
const isOnHandle = event => targetOf(event).closest('.mk-handle') !== null;

/** @param {PointerEvent} event */
function handleDown(event) {
  if (event.button || !isClip() || isOnHandle(event)) return;
  pressed = { id: event.pointerId, x: event.clientX, isTouch: event.pointerType === 'touch', moved: false };
  tracks.setPointerCapture(event.pointerId);
  if (!pressed.isTouch) jumpTo(event);
}

/** @param {PointerEvent} event */
function handleMove(event) {
  if (!isClip() || isOnHandle(event)) return hideTooltip();
  if (pressed?.id === event.pointerId) {
    pressed.moved ||= Math.abs(event.clientX - pressed.x) > (pressed.isTouch ? MIN_TOUCH_DRAG : 1);
    if (pressed.moved) scrubTo(event);
  }
  if (event.pointerType !== 'touch' || pressed?.moved) showTooltip(event);
}

/** @param {PointerEvent} event */
function handleUp(event) {
  if (pressed?.id !== event.pointerId) return;
  if (pressed.isTouch && !pressed.moved) jumpTo(event);
  if (pressed.isTouch) hideTooltip();
  pressed = null;
}

function cancelPress() {
  pressed = null;
  hideTooltip();
}

/** @param {WheelEvent} event */
function handleWheel(event) {
  if (!isClip()) return;
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.ctrlKey || event.metaKey) zoomTimeline(Math.exp(event.deltaY * 0.004), frameUnder(event));
  else if (Math.abs(sideways) > 1) setVisible(timeline.first + Math.sign(sideways) * Math.ceil(visibleSpan() / 12));
  else return; // the lanes or the page scroll
  event.preventDefault();
}

export function setUpTimeline() {
  listen(tracks, 'pointerdown', handleDown);
  listen(tracks, 'pointermove', handleMove);
  listen(tracks, 'pointerup', handleUp);
  listen(tracks, 'pointercancel', cancelPress);
  listen(tracks, 'pointerleave', () => {
    if (!pressed) hideTooltip();
  });
  listen(tracks, 'wheel', handleWheel, { passive: false });

  listen(find('timeline-in'), 'click', () => zoomTimeline(0.5));
  listen(find('timeline-out'), 'click', () => zoomTimeline(2));

  on('medium', () => {
    cancelPress();
    showWholeClip();
  });
  on('frame', scrollToFrame);
  on('medium frame timeline', drawSoon(updateTimeline));
  new ResizeObserver(() => {
    timeline.width = tracks.clientWidth;
    if (isClip()) emit('timeline');
  }).observe(tracks);
}
