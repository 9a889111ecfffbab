// Mouse and fingers on the viewport: a click pins a note, a drag moves the picture, the wheel and two fingers zoom.

import { targetOf } from '../../../../ui/web/shared/elements.js';
import { pinchOf, wheelFactor } from '../../../../ui/web/shared/gestures.js';
import { pinAt } from './note_editor.js';
import { listen } from './page.js';
import { pan, picture, toFrame, view, viewport, zoomAt } from './viewport.js';

const CLICK_SLOP = 5; // CSS pixels that a click may wander

/** @type {Map<number, { x: number, y: number }>} pointers on the viewport, by their id */
const pointers = new Map();
/** @type {{ x: number, y: number, last: { x: number, y: number }, far: boolean } | null} */
let press = null;
/** @type {ReturnType<typeof pinchOf> | null} */
let pinch = null;

/** @param {PointerEvent} event */
function lift(event) {
  pointers.delete(event.pointerId);
  press = pinch = null;
  picture.classList.remove('grabbing');
}

/** @param {NonNullable<typeof pinch>} last */
function movePinch(last) {
  const now = pinchOf(pointers, picture);
  pan(now.x - last.x, now.y - last.y);
  zoomAt(now.distance / Math.max(1, last.distance), now.x, now.y);
  pinch = now;
}

export function setUpPointer() {
  listen(
    picture,
    'pointerdown',
    /** @param {PointerEvent} event */ event => {
      if (event.button > 1) return;
      picture.setPointerCapture(event.pointerId);
      const here = { x: event.clientX, y: event.clientY };
      pointers.set(event.pointerId, here);
      press = pointers.size === 1 ? { ...here, last: here, far: event.button === 1 } : null;
      pinch = pointers.size > 1 ? pinchOf(pointers, picture) : null;
    },
  );

  listen(
    picture,
    'pointermove',
    /** @param {PointerEvent} event */ event => {
      if (!pointers.has(event.pointerId)) return;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (pinch) return movePinch(pinch);
      if (!press) return;
      press.far ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_SLOP;
      if (!press.far) return;
      picture.classList.add('grabbing');
      pan(event.clientX - press.last.x, event.clientY - press.last.y);
      press.last = { x: event.clientX, y: event.clientY };
    },
  );

  listen(
    picture,
    'pointerup',
    /** @param {PointerEvent} event */ event => {
      const isClick = press && !press.far && event.button === 0;
      lift(event);
      if (isClick) pinAt(toFrame(event));
    },
  );
  listen(picture, 'pointercancel', lift);
  listen(
    picture,
    'mousedown',
    /** @param {MouseEvent} event */ event => {
      if (event.button === 1) event.preventDefault();
    },
  ); // or the browser scrolls by itself

  listen(
    viewport,
    'wheel',
    /** @param {WheelEvent} event */ event => {
      if (targetOf(event).closest('.editor')) return;
      if (view.zoom === 1 && event.deltaY > 0 && !event.ctrlKey) return; // the page scrolls
      const corner = picture.getBoundingClientRect();
      zoomAt(wheelFactor(event), event.clientX - corner.left, event.clientY - corner.top);
      event.preventDefault();
    },
    { passive: false },
  );
}
