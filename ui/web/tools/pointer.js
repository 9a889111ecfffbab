// Mouse, pen and fingers on the viewport. A press goes to the tool that is chosen; two fingers, the wheel, the middle button and
// the space bar move the view.

/** @import { Grip } from './points.js' */
/** @import { Pinch } from '../shared/gestures.js' */

import { isAlbum } from '../core/media.js';
import { find, listen } from '../core/page.js';
import { state, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { pinchOf, wheelFactor, wheelUnit } from '../shared/gestures.js';
import { pause, play } from '../timeline/player.js';
import { drawOverlay, overlayCanvas, pan, toFrame, toViewport, zoomAt } from '../viewport/viewport.js';
import { isNegative } from './geometry.js';
import { showSign } from './mode.js';
import { selectTool } from './select.js';
import { tools } from './toolbar.js';

/**
 * A button or a finger that is held down.
 * @typedef {object} Press
 * @property {{ x: number; y: number }} start in CSS pixels of the window
 * @property {{ x: number; y: number }} last the same, of the last movement
 * @property {Position} from where it began in the frame
 * @property {number} frame
 * @property {number} object
 * @property {boolean} far whether it has moved too far for a click
 * @property {boolean} negative
 * @property {boolean} more whether Shift was held: what is drawn is added
 * @property {boolean} isTouch
 * @property {Tool} tool
 * @property {Grip | null} [grip] what it takes hold of
 */
/**
 * @typedef {object} Tool
 * @property {(press: Press) => void} down
 * @property {(press: Press, event: PointerEvent) => void} move
 * @property {(press: Press, event: PointerEvent) => void} up
 * @property {() => void} cancel
 * @property {(press: Press) => void} [hold] a long press with a finger
 * @property {(position: Position, isTouch: boolean) => { kind: string } | null} [grip] what a press would take hold of
 * @property {(event: PointerEvent, isPanning: boolean) => void} [hover]
 */

const CLICK_SLOP = 5; // CSS pixels that the pointer may move during a click
const LONG_PRESS = 500; // milliseconds

/** @type {Map<number, { x: number; y: number }>} pointer id -> position in CSS pixels of the window */
const pointers = new Map();
/** @type {Press | null} */
let press = null;
/** @type {Pinch | null} */
let pinch = null;
/** @type {{ used: boolean } | null} the space bar, while it is held */
let space = null;
let longPressTimer = 0;
const ring = find('ring');

/** While the next photo of an album is loaded, a click on the previous one would go to the wrong photo. */
const isCurrentFrame = () => !isAlbum() || state.shown.frame === state.frame;

/** @type {Tool} */
const panTool = {
  down() {
    if (space) space.used = true;
    overlayCanvas.classList.add('mk-grabbing');
  },
  move({ last }, { clientX, clientY }) {
    pan(clientX - last.x, clientY - last.y);
    Object.assign(last, { x: clientX, y: clientY });
  },
  up() {
    this.cancel();
  },
  cancel() {
    overlayCanvas.classList.remove('mk-grabbing');
  },
};

/** Is nothing held that a movement of the pointer would belong to? */
export const isPointerFree = () => !press && !pinch && !space;

/** @param {PointerEvent} event */
const toolFor = event =>
  event.button === 1 || space ? panTool : event.ctrlKey || event.metaKey ? selectTool : tools[state.tool];

function releasePress() {
  press?.tool.cancel();
  press = null;
  ring.hidden = true;
}

/** @param {PointerEvent} event */
function liftPointer(event) {
  pointers.delete(event.pointerId);
  press = null;
  ring.hidden = true;
  if (!pointers.size)
    setTimeout(() => {
      pinch = null; // only now, since the last finger of a pinch is no tap
    });
}

/**
 * A ring grows around a finger that stays in place; when it is full, the press means the opposite of a tap.
 * @param {Press} held
 */
function awaitLongPress(held) {
  const { x, y } = toViewport({ clientX: held.start.x, clientY: held.start.y });
  ring.style.translate = `${x}px ${y}px`;
  ring.hidden = false;
  clearTimeout(longPressTimer);
  longPressTimer = setTimeout(() => {
    if (press !== held || held.far) return;
    releasePress();
    navigator.vibrate?.(15);
    held.tool.hold?.({ ...held, negative: !held.negative });
  }, LONG_PRESS);
}

/** @param {Pinch} last */
function movePinch(last) {
  const now = pinchOf(pointers, overlayCanvas);
  pan(now.x - last.x, now.y - last.y);
  zoomAt(now.distance / Math.max(1, last.distance), now.x, now.y);
  pinch = now;
}

/**
 * The space bar plays and pauses, unless the view was moved with it.
 * @param {KeyboardEvent} event
 */
export function holdSpace(event) {
  if (event.repeat) return;
  space = { used: false };
  overlayCanvas.classList.add('mk-may-pan');
}

function releaseSpace() {
  const plays = space && !space.used;
  space = null;
  overlayCanvas.classList.remove('mk-may-pan');
  if (plays && state.medium) state.playing ? pause() : play();
}

/** @param {PointerEvent} event */
function updateCursor(event) {
  const tool = tools[state.tool];
  const grip = press ? press.grip : tool.grip?.(toFrame(event), event.pointerType === 'touch');
  showSign(press ? press.negative : isNegative(event));
  overlayCanvas.dataset.grip = grip?.kind ?? '';
  tool.hover?.(event, !!space || press?.tool === panTool);
}

/** @param {PointerEvent} event */
function pointerDown(event) {
  if (!state.medium || !isCurrentFrame()) return;
  const { clientX: x, clientY: y, pointerId } = event;
  overlayCanvas.focus({ preventScroll: true });
  overlayCanvas.setPointerCapture(pointerId);
  pointers.set(pointerId, { x, y });
  if (pointers.size > 1) {
    releasePress();
    pinch = pinchOf(pointers, overlayCanvas);
    return drawOverlay();
  }
  press = {
    start: { x, y },
    last: { x, y },
    from: toFrame(event),
    frame: state.frame,
    object: state.active,
    far: false,
    negative: isNegative(event),
    more: event.shiftKey,
    isTouch: event.pointerType === 'touch',
    tool: toolFor(event),
  };
  if (press.isTouch && press.tool.hold) awaitLongPress(press);
  press.tool.down(press);
}

/** @param {PointerEvent} event */
function pointerMove(event) {
  const { clientX: x, clientY: y, pointerId } = event;
  if (pointers.has(pointerId)) pointers.set(pointerId, { x, y });
  if (pinch && pointers.size > 1) return movePinch(pinch);
  if (!state.medium) return;
  updateCursor(event);
  if (!press) return;
  press.far ||= Math.hypot(x - press.start.x, y - press.start.y) > CLICK_SLOP;
  if (press.far) ring.hidden = true;
  press.tool.move(press, event);
}

/**
 * Zooms where the pointer is; with Shift it moves the view.
 * @param {WheelEvent} event
 */
function wheel(event) {
  if (!state.medium) return;
  if (event.shiftKey) {
    if (view.zoom === 1) return;
    const unit = wheelUnit(event);
    pan(-(event.deltaX || event.deltaY) * unit, event.deltaX ? -event.deltaY * unit : 0);
  } else {
    if (view.zoom === 1 && event.deltaY > 0 && !event.ctrlKey) return; // the page scrolls
    const { x, y } = toViewport(event);
    zoomAt(wheelFactor(event), x, y);
  }
  event.preventDefault();
}

export function setUpPointer() {
  listen(overlayCanvas, 'contextmenu', event => event.preventDefault());
  listen(overlayCanvas, 'mousedown', event => {
    if (event.button === 1) event.preventDefault(); // or the browser scrolls by itself
  });
  listen(overlayCanvas, 'pointerdown', pointerDown);
  listen(overlayCanvas, 'pointermove', pointerMove);
  listen(overlayCanvas, 'pointerup', event => {
    const done = press;
    liftPointer(event);
    if (done && !pinch) done.tool.up(done, event);
  });
  listen(overlayCanvas, 'pointercancel', event => {
    releasePress();
    liftPointer(event);
    drawOverlay();
  });
  listen(overlayCanvas, 'wheel', wheel, { passive: false });

  listen(window, 'keydown', event => {
    if (event.key === 'Alt' && state.medium) showSign(state.adding);
  });
  listen(window, 'keyup', event => {
    if (event.key === ' ' && space) releaseSpace();
    if (event.key === 'Alt') showSign(!state.adding);
  });
  listen(window, 'blur', () => {
    if (!space) return;
    space.used = true;
    releaseSpace();
  });
  on('tool', releasePress);
}
