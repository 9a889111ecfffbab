// What a button is for, where no pointer can rest on it: a finger that rests on it shows its title, and then does not press it.

import { find, listen, root } from '../core/page.js';
import { targetOf } from '../shared/elements.js';
import { titleForTouch } from '../shared/language.js';
import { clamp } from '../shared/values.js';

const HOLD = 450; // milliseconds that a finger rests
const LINGER = 1500; // milliseconds that the tip stays when it is lifted
const SLACK = 10; // CSS pixels that it may move meanwhile
const GAP = 8; // CSS pixels between the tip, the button, and the edges of the window

const tip = find('touch-tip');
let timer = 0;
/** @type {{ x: number; y: number } | null} where the finger was put down on something that has a title */
let down = null;
let isShown = false; // for the finger that is down, or was last

/** @param {HTMLElement} element */
function showTitle(element) {
  isShown = true;
  tip.textContent = titleForTouch(element.title);
  tip.showPopover();
  const { left, width, top, bottom } = element.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = tip;
  const above = top - offsetHeight - GAP;
  tip.style.top = `${above < GAP ? bottom + GAP : above}px`;
  tip.style.left = `${clamp(left + (width - offsetWidth) / 2, GAP, innerWidth - offsetWidth - GAP)}px`;
}

const hideTip = () => tip.hidePopover();

function release() {
  clearTimeout(timer);
  if (down && isShown) timer = window.setTimeout(hideTip, LINGER);
  down = null;
}

export function setUpTouchTips() {
  listen(root, 'pointerdown', event => {
    clearTimeout(timer);
    hideTip();
    isShown = false;
    const element = /** @type {HTMLElement | null} */ (targetOf(event).closest('[title]'));
    if (event.pointerType !== 'touch' || !element?.title || !event.isPrimary) return;
    down = { x: event.clientX, y: event.clientY };
    timer = window.setTimeout(() => showTitle(element), HOLD);
  });
  listen(root, 'pointermove', event => {
    if (down && Math.hypot(event.clientX - down.x, event.clientY - down.y) > SLACK) release();
  });
  listen(window, 'pointerup', release);
  listen(window, 'pointercancel', release);
  const swallow = (/** @type {Event} */ event) => {
    if (!isShown) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'click') isShown = false;
  };
  listen(root, 'click', swallow, { capture: true });
  listen(root, 'contextmenu', event => down && swallow(event), { capture: true }); // the browser's own long press
}
