// Groups of buttons that are one stop of the Tab key: radio groups and tabs. The arrow keys, Home and End choose within them.

import { targetOf } from '../shared/elements.js';
import { listen } from './page.js';

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
/** @type {Record<string, string>} */
const MIRRORED = { ArrowRight: 'ArrowLeft', ArrowLeft: 'ArrowRight' };

/**
 * The key with which one would go on in a text from left to right.
 * @param {HTMLElement} group
 * @param {string} key
 */
const keyFor = (group, key) => (getComputedStyle(group).direction === 'rtl' ? (MIRRORED[key] ?? key) : key);

/**
 * Which of `count` buttons a key leads to from the one at `place`; undefined for other keys.
 * @param {string} key
 * @param {number} place
 * @param {number} count
 */
export function placeAfterKey(key, place, count) {
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return STEPS[key] && (place + STEPS[key] + count) % count;
}

/**
 * Lets the arrow keys go through the visible radios or tabs of a group.
 * @param {HTMLElement} group
 * @param {boolean} [chooses] whether the keys choose, by a click; else they only move the focus, as in a toolbar
 */
export function makeRoving(group, chooses = true) {
  listen(group, 'keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {HTMLElement[]} */
    const buttons = [...group.querySelectorAll('[role=radio], [role=tab]')].flatMap(each =>
      each instanceof HTMLElement && !each.hidden ? each : [],
    );
    const place = buttons.indexOf(targetOf(event));
    const next = place < 0 ? undefined : buttons[placeAfterKey(keyFor(group, event.key), place, buttons.length) ?? -1];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus({ preventScroll: true }); // first: a click may make the buttons anew
    if (chooses) next.click();
  });
}

/**
 * Marks the chosen one, which is the stop of the Tab key.
 * @param {Iterable<HTMLElement>} buttons
 * @param {(button: HTMLElement) => boolean} isChosen
 */
export function markChosen(buttons, isChosen) {
  for (const button of buttons) {
    const chosen = isChosen(button);
    button.setAttribute(button.getAttribute('role') === 'tab' ? 'aria-selected' : 'aria-checked', String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
}
