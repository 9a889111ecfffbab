// The menu of a row, and the keys for its actions.

import { arrowStep, closers } from '../core/menus.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { isWorking } from '../core/screen.js';
import { isTyping, shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { targetOf } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { direction, tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { removeObject } from '../tools/object_actions.js';
import { prompts } from '../tools/prompts.js';
import { focusRow, objectAt, objectList, reveal, rows, updateObjects } from './object_list.js';

const menu = find('row-menu');
const MARGIN = 8; // CSS pixels between the menu and the window's edges
const OFFSET = 4; // CSS pixels between the menu and its button
let menuObject = 0;

/** @type {Record<string, (id: number) => void>} */
const ACTIONS = {
  solo: id => objects.toggleSolo(id),
  lock: id => objects.lock(id),
  rename: id => focusRow(id, 'name'),
  label: id => focusRow(id, 'label'),
  color: id => {
    focusRow(id, 'swatch');
    find('swatch', rows.get(id)).click();
  },
  up: id => objects.move(id, -1),
  down: id => objects.move(id, 1),
  clear: id => {
    if (objects.isFree(id)) prompts.clearFrameOf(id);
  },
  remove: removeObject,
};
const FOCUSING_ACTIONS = ['rename', 'label', 'color'];

/** @returns {HTMLButtonElement[]} */
const enabledItems = () => [...menu.querySelectorAll('button')].filter(item => !item.disabled);

/** @param {number} id */
function openMenu(id) {
  if (id !== state.active) objects.select(id);
  updateObjects();
  const { locked, solo, name } = objects.trait(id);
  const { listed } = objects;
  const item = (/** @type {string} */ action) =>
    /** @type {HTMLButtonElement} */ (menu.querySelector(`[data-act=${action}]`));
  menuObject = id;
  item('solo').setAttribute('aria-checked', String(solo));
  item('lock').setAttribute('aria-checked', String(locked));
  find('lock-text', menu).textContent = locked ? tr('Unlock') : tr('Lock');
  item('up').disabled = listed[0] === id;
  item('down').disabled = listed[listed.length - 1] === id;
  item('clear').disabled = locked || !state.log.prompts.get(id)?.has(state.frame);
  item('remove').disabled = locked || !state.log.prompts.has(id);
  menu.setAttribute('aria-label', name);
  menu.hidden = false;
  placeMenu(find('dots', rows.get(id)).getBoundingClientRect());
  enabledItems()[0].focus({ preventScroll: true });
}

/**
 * Places the menu below its button, or above it where there is no room.
 * @param {DOMRect} button
 */
function placeMenu({ top, bottom, left, right }) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const maxTop = innerHeight - MARGIN - height;
  const below = bottom + OFFSET <= maxTop ? bottom + OFFSET : Math.max(MARGIN, top - OFFSET - height);
  menu.style.top = `${Math.min(below, Math.max(MARGIN, maxTop))}px`;
  const start = direction() === 'rtl' ? left : right - width;
  menu.style.left = `${clamp(start, MARGIN, innerWidth - MARGIN - width)}px`;
}

/** Returns whether it was open. */
function closeMenu() {
  const wasOpen = !menu.hidden;
  menu.hidden = true;
  return wasOpen;
}

/** @param {Event} event */
function closeUnlessInside(event) {
  if (!menu.contains(targetOf(event))) closeMenu();
}

/** @param {KeyboardEvent} event */
function handleKey(event) {
  const items = enabledItems();
  const place = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  const step = arrowStep(event);
  if (step) items[(place + step + items.length) % items.length].focus();
  else if (event.key === 'Home') items[0].focus();
  else if (event.key === 'End') items[items.length - 1].focus();
  else if (event.key === 'Escape' || event.key === 'Tab') {
    closeMenu();
    focusRow(menuObject, 'dots');
  } else if (event.key === 'Enter' || event.key === ' ') return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * Alt with the up and down keys moves an object in the list.
 * @param {KeyboardEvent} event
 */
function moveWithKeys(event) {
  const step = arrowStep(event);
  if (!step || !event.altKey || event.ctrlKey || event.metaKey || !state.medium || !isWorking()) return;
  if (isTyping(targetOf(event)) && !objectList.contains(targetOf(event))) return;
  const id = objectAt(event) ?? state.active;
  event.preventDefault();
  objects.move(id, step);
  updateObjects();
  reveal(id);
}

export function setUpObjectMenu() {
  listen(menu, 'click', event => {
    /** @type {HTMLButtonElement | null} */
    const item = targetOf(event).closest('[data-act]');
    const id = menuObject;
    const action = item?.dataset.act;
    if (!action) return;
    closeMenu();
    ACTIONS[action](id);
    if (!FOCUSING_ACTIONS.includes(action))
      focusRow(rows.has(id) && objects.listed.includes(id) ? id : state.active, 'dots');
  });
  listen(menu, 'keydown', handleKey);
  listen(window, 'pointerdown', closeUnlessInside);
  for (const type of ['scroll', 'wheel']) listen(window, type, closeUnlessInside, { capture: true, passive: true });
  listen(window, 'resize', closeMenu);
  closers.push(closeMenu);
  on('medium', closeMenu);
  on('object-menu', openMenu);

  shortcuts.x = event => objects[event.shiftKey ? 'toggleSolo' : 'toggle'](state.active);
  shortcuts.k = () => objects.lock(state.active);
  shortcuts.F2 = () => focusRow(state.active, 'name');
  listen(window, 'keydown', moveWithKeys);
}
