// Tooltips of buttons: at once under the pointer, and on keyboard focus. They take text and key from the title: “Undo
// (Ctrl+Z)”. The browser's own tooltip, which is slow and silent for keyboards, gives way. For fingers: touch_tips.js.

import { find, listen, root } from '../core/page.js';
import { targetOf } from '../shared/elements.js';
import { clamp } from '../shared/values.js';

const MARGIN = 8; // CSS pixels to the edges of the window
const GAP = 6; // CSS pixels between tooltip and button
const DELAY = 120; // milliseconds; none from one button to the next
const WARM = 400; // milliseconds after a tooltip in which the next one comes at once

const tooltip = find('tooltip');
const TITLED = 'button[title], label[title], .mk-handle[title]';
/** @type {{ element: HTMLElement; title: string } | null} */
let shown = null;
/** @type {HTMLElement | null} the button that was pressed last, while the pointer stays on it */
let pressed = null;
let hiddenAt = -Infinity;
let timer = 0;

/**
 * The text and the key of a title.
 * @param {string} title
 */
export function partsOf(title) {
  const [, text = title, key = ''] = /^(.*) \(([^()]*)\)$/s.exec(title) ?? [];
  return { text, key };
}

/** @param {HTMLElement} element */
function show(element) {
  hide();
  const { title } = element;
  if (!title || !element.isConnected) return;
  const { text, key } = partsOf(title);
  find('tooltip-text').textContent = text;
  find('tooltip-key').textContent = key;
  find('tooltip-key').hidden = !key;
  tooltip.showPopover?.();
  place(element.getBoundingClientRect());
  shown = { element, title };
  element.removeAttribute('title');
}

/**
 * Below the button, or above it where there is no room.
 * @param {DOMRect} of
 */
function place({ left, width, top, bottom }) {
  const { offsetWidth, offsetHeight } = tooltip;
  const x = clamp(left + width / 2 - offsetWidth / 2, MARGIN, Math.max(MARGIN, innerWidth - offsetWidth - MARGIN));
  const below = bottom + GAP;
  const y = below + offsetHeight > innerHeight - MARGIN ? top - GAP - offsetHeight : below;
  Object.assign(tooltip.style, { left: `${x}px`, top: `${y}px` });
}

function hide() {
  clearTimeout(timer);
  if (!shown) return;
  const { element, title } = shown;
  if (!element.title) element.title = title; // it may have got a new one meanwhile
  shown = null;
  hiddenAt = performance.now();
  tooltip.hidePopover?.();
}

/** @param {Event} event */
const titledAt = event => /** @type {HTMLElement | null} */ (targetOf(event).closest(TITLED));

/**
 * @param {HTMLElement} element
 * @param {number} delay
 */
function showLater(element, delay) {
  clearTimeout(timer);
  timer = window.setTimeout(() => show(element), delay);
}

export function setUpTooltips() {
  listen(root, 'pointerover', event => {
    if (event.pointerType === 'touch' || shown?.element.contains(targetOf(event))) return;
    const element = titledAt(event);
    if (element && element === pressed) return; // what it has become says its label
    pressed = null;
    const isWarm = !!shown || performance.now() - hiddenAt < WARM;
    hide();
    if (element) showLater(element, isWarm ? 0 : DELAY);
  });
  listen(root, 'pointerleave', () => {
    pressed = null;
    hide();
  });
  listen(root, 'focusin', event => {
    const element = titledAt(event);
    if (element?.matches(':focus-visible')) show(element);
  });
  listen(root, 'focusout', hide);

  listen(root, 'pointerdown', event => {
    hide(); // the title is back
    pressed = titledAt(event);
  });
  listen(window, 'keydown', event => {
    if (event.key === 'Escape') hide();
  });
  listen(window, 'scroll', hide, { capture: true, passive: true });
}
