// Menus that open below a button: a click elsewhere or Escape closes them, the arrows go through their items.

import { listen } from './page.js';

export const closers = [];
export const closeMenus = () => closers.map(close => close(false)).includes(true); // was one open?

// `opened` is told before the menu is seen. Returns a function that opens and closes it, and says whether that changed it.
export function makeMenu(button, list, opened = () => {}) {
  const items = () => [...list.querySelectorAll('[role=menuitem]:not(:disabled)')];
  const set = open => {
    if (open === !list.hidden) return false;
    list.hidden = !open;
    button.setAttribute('aria-expanded', open);
    if (open) {
      opened();
      items()[0]?.focus();
    }
    return true;
  };
  listen(button, 'click', () => set(list.hidden));
  listen(window, 'pointerdown', event => {
    if (!list.parentElement.contains(event.target)) set(false);
  });
  listen(list, 'keydown', event => {
    const listed = items();
    const place = listed.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && listed.length) listed[(place + step + listed.length) % listed.length].focus();
    else if (event.key === 'Escape') {
      set(false);
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  listen(list, 'click', event => {
    if (event.target.closest('[role=menuitem]')) set(false);
  });
  closers.push(set);
  return set;
}
