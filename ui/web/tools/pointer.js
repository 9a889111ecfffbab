// Mouse, pen and fingers on the stage. What a press means is up to the tool that is chosen (tools.js), an object with
// down(press), move(press, event), up(press, event), cancel(), and where it makes a difference hold(press): a long press.
// Here it is said who is asked; and two fingers, the wheel, the middle button and the space bar move the view.

import { isAlbum } from '../core/media.js';
import { find, listen } from '../core/page.js';
import { state, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { pinchOf, wheelFactor, wheelUnit } from '../shared/gestures.js';
import { pause, play } from '../timeline/player.js';
import { drawOverlay, overlayCanvas, pan, toFrame, zoomAt } from '../viewport/viewport.js';
import { isNegative } from './geometry.js';
import { setAdding, showSign } from './mode.js';
import { selectTool } from './select.js';
import { tools } from './toolbar.js';

const CLICK_SLOP = 5; // CSS pixels that a click may wander
const LONG_PRESS = 500; // milliseconds

const pointers = new Map(); // what touches the stage: id -> {x, y}
let press = null; // {x, y, from: [x, y] in the frame, frame, object, negative, more, finger, far, tool}
let pinch = null; // {distance, x, y}
let space = null; // {used} while the space bar is held

// While the next photo of an album is on its way, the one on the stage is not the one that a click would be about.
const isCurrentFrame = () => !isAlbum() || state.shown.frame === state.frame;

const panTool = {
  down() {
    if (space) space.used = true;
    overlayCanvas.classList.add('mk-grabbing');
  },
  move(press, event) {
    pan(event.clientX - press.last.x, event.clientY - press.last.y);
    press.last = { x: event.clientX, y: event.clientY };
  },
  up() {
    this.cancel();
  },
  cancel() {
    overlayCanvas.classList.remove('mk-grabbing');
  },
};

// Is nothing pressed or held that a movement of the pointer would belong to?
export const isPointerFree = () => !press && !pinch && !space;

const toolFor = event =>
  event.button === 1 || space ? panTool : event.ctrlKey || event.metaKey ? selectTool : tools[state.tool];

function releasePointer() {
  press?.tool.cancel();
  press = null;
  ring.hidden = true;
}

function lift(event) {
  pointers.delete(event.pointerId);
  press = null;
  ring.hidden = true;
  if (!pointers.size)
    setTimeout(() => {
      pinch = null;
    }); // the last finger of a pinch is no tap
}

// A ring grows around a finger that stays; when it is full, the press means the opposite of a tap.
const ring = find('ring');
let longPress = 0;
function awaitLongPress() {
  const held = press;
  const corner = overlayCanvas.getBoundingClientRect();
  ring.style.translate = `${held.x - corner.left}px ${held.y - corner.top}px`;
  ring.hidden = false;
  clearTimeout(longPress);
  longPress = setTimeout(() => {
    if (press !== held || held.far) return;
    releasePointer();
    navigator.vibrate?.(15);
    held.tool.hold({ ...held, negative: !held.negative });
  }, LONG_PRESS);
}

function movePinch() {
  const now = pinchOf(pointers, overlayCanvas);
  pan(now.x - pinch.x, now.y - pinch.y);
  zoomAt(now.distance / Math.max(1, pinch.distance), now.x, now.y);
  pinch = now;
}

// The space bar plays and pauses, unless the picture was dragged with it.
export function holdSpace(event) {
  if (event.repeat) return;
  space = { used: false };
  overlayCanvas.classList.add('mk-may-pan');
}

function releaseSpace() {
  const played = space && !space.used;
  space = null;
  overlayCanvas.classList.remove('mk-may-pan');
  if (played && state.medium) state.playing ? pause() : play();
}

function updateCursor(event) {
  showSign(press ? press.negative : isNegative(event));
  overlayCanvas.dataset.grip = press
    ? (press.grip?.kind ?? '')
    : (tools[state.tool].grip?.(toFrame(event), event)?.kind ?? '');
  tools[state.tool].hover?.(event, !!space || press?.tool === panTool);
}

export function setUpPointer() {
  listen(overlayCanvas, 'contextmenu', event => event.preventDefault());
  listen(overlayCanvas, 'mousedown', event => {
    if (event.button === 1) event.preventDefault();
  }); // or the browser scrolls by itself

  listen(overlayCanvas, 'pointerdown', event => {
    if (!state.medium || !isCurrentFrame()) return;
    overlayCanvas.focus({ preventScroll: true });
    overlayCanvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size > 1) {
      releasePointer();
      pinch = pinchOf(pointers, overlayCanvas);
      return drawOverlay();
    }
    const { clientX: x, clientY: y } = event;
    press = {
      x,
      y,
      last: { x, y },
      from: toFrame(event),
      frame: state.frame,
      object: state.active,
      far: false,
      negative: isNegative(event),
      more: event.shiftKey,
      finger: event.pointerType === 'touch',
      tool: toolFor(event),
    };
    if (press.finger && press.tool.hold) awaitLongPress();
    press.tool.down(press);
  });

  listen(overlayCanvas, 'pointermove', event => {
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pinch && pointers.size > 1) return movePinch();
    if (!state.medium) return;
    updateCursor(event);
    if (!press) return;
    press.far ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_SLOP;
    if (press.far) ring.hidden = true;
    press.tool.move(press, event);
  });

  listen(overlayCanvas, 'pointerup', event => {
    const done = press;
    lift(event);
    if (done && !pinch) done.tool.up(done, event);
  });

  listen(overlayCanvas, 'pointercancel', event => {
    releasePointer();
    lift(event);
    drawOverlay();
  });

  // The wheel zooms where the pointer is; with Shift it moves the view. Fingers that pinch on a touchpad come as Ctrl+wheel.
  listen(
    overlayCanvas,
    'wheel',
    event => {
      if (!state.medium) return;
      const corner = overlayCanvas.getBoundingClientRect();
      if (event.shiftKey) {
        if (view.zoom === 1) return;
        const unit = wheelUnit(event);
        pan(-(event.deltaX || event.deltaY) * unit, event.deltaX ? -event.deltaY * unit : 0);
      } else {
        if (view.zoom === 1 && event.deltaY > 0 && !event.ctrlKey) return; // the page scrolls
        zoomAt(wheelFactor(event), event.clientX - corner.left, event.clientY - corner.top);
      }
      event.preventDefault();
    },
    { passive: false },
  );

  listen(window, 'keyup', event => {
    if (event.key === ' ' && space) releaseSpace();
  });
  listen(window, 'blur', () => {
    if (space) {
      space.used = true;
      releaseSpace();
    }
  });

  on('tool', releasePointer);
  listen(find('tool-add'), 'click', () => setAdding(true));
  listen(find('tool-remove'), 'click', () => setAdding(false));
  listen(window, 'keydown', event => {
    if (event.key === 'Alt' && state.medium) showSign(state.adding);
  });
  listen(window, 'keyup', event => {
    if (event.key === 'Alt') showSign(!state.adding);
  });
}
