// Menus that open below a button: a click elsewhere or Escape closes them, the arrows go through their items.

import { targetOf } from '../shared/elements.js';
import { listen } from './page.js';

/** @type {(() => boolean)[]} each closes a menu and returns whether it was open */
export const closers = [];
export const closeMenus = () => closers.map(close => close()).includes(true);

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} list
 */
export function makeMenu(button, list) {
  const items = () => [
    .../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('[role=menuitem]:not(:disabled)')),
  ];
  const setOpen = (/** @type {boolean} */ open) => {
    if (open === !list.hidden) return false;
    list.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    if (open) items()[0]?.focus();
    return true;
  };
  const close = () => setOpen(false);
  listen(button, 'click', () => setOpen(list.hidden));
  listen(window, 'pointerdown', event => {
    if (!list.parentElement?.contains(targetOf(event))) close();
  });
  listen(list, 'keydown', event => {
    const listed = items();
    const place = listed.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = arrowStep(event);
    if (step && listed.length) listed[(place + step + listed.length) % listed.length].focus();
    else if (event.key === 'Escape') {
      close();
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  listen(list, 'click', event => {
    if (targetOf(event).closest('[role=menuitem]')) close();
  });
  closers.push(close);
}

/**
 * A panel below a button that stays open while it is used.
 * @param {HTMLElement} button
 * @param {HTMLElement} panel
 */
export function makePopover(button, panel) {
  const setOpen = (/** @type {boolean} */ open) => {
    if (open === !panel.hidden) return false;
    panel.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    return true;
  };
  listen(button, 'click', () => setOpen(panel.hidden));
  listen(window, 'pointerdown', event => {
    if (!panel.parentElement?.contains(targetOf(event))) setOpen(false);
  });
  listen(panel, 'keydown', event => {
    if (event.key !== 'Escape') return;
    setOpen(false);
    button.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  closers.push(() => setOpen(false));
}

/**
 * 1 for the arrow down, -1 for the arrow up, else 0.
 * @param {KeyboardEvent} event
 */
export const arrowStep = ({ key }) => (key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0);
