// The menu of a row, and the keys for what stands in it.

import { closers } from '../core/menus.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { isTyping, shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { removeObject } from '../tools/object_actions.js';
import { prompts } from '../tools/prompts.js';
import { focusRow, idOf, objectList, reveal, rows, updateObjects } from './object_list.js';

const rowMenu = find('row-menu');
let menuObject = null; // id of the object that the menu is about

const menuActions = {
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
  remove: id => removeObject(id),
};

function openRowMenu(id) {
  if (id !== state.active) objects.select(id);
  updateObjects();
  const { locked, solo } = objects.trait(id);
  const listed = objects.listed;
  const item = act => rowMenu.querySelector(`[data-act=${act}]`);
  menuObject = id;
  item('solo').setAttribute('aria-checked', solo);
  item('lock').setAttribute('aria-checked', locked);
  item('lock').querySelector('span').textContent = locked ? 'Unlock' : 'Lock';
  item('up').disabled = listed[0] === id;
  item('down').disabled = listed[listed.length - 1] === id;
  item('clear').disabled = locked || !state.log.prompts.get(id)?.has(state.frame);
  item('remove').disabled = locked || !state.log.prompts.has(id);
  rowMenu.setAttribute('aria-label', objects.trait(id).name);
  rowMenu.hidden = false;
  placeRowMenu(find('dots', rows.get(id)).getBoundingClientRect());
  rowMenu.querySelector('button:not(:disabled)').focus({ preventScroll: true });
}

// Below the button, or above it where there is no room.
function placeRowMenu({ top, bottom, right }) {
  const { offsetWidth: width, offsetHeight: height } = rowMenu;
  const least = 8;
  const below = bottom + 4 + height <= innerHeight - least ? bottom + 4 : Math.max(least, top - 4 - height);
  rowMenu.style.top = `${Math.min(below, Math.max(least, innerHeight - least - height))}px`;
  rowMenu.style.left = `${clamp(right - width, least, innerWidth - least - width)}px`;
}

function closeRowMenu(refocus = false) {
  if (rowMenu.hidden) return;
  rowMenu.hidden = true;
  if (refocus) focusRow(menuObject, 'dots');
}

export function setUpObjectMenu() {
  listen(rowMenu, 'click', event => {
    const act = event.target.closest('[data-act]')?.dataset.act;
    const id = menuObject;
    if (!act) return;
    closeRowMenu();
    menuActions[act](id);
    if (!['rename', 'label', 'color'].includes(act))
      focusRow(rows.has(id) && objects.listed.includes(id) ? id : state.active, 'dots');
  });

  listen(rowMenu, 'keydown', event => {
    const items = [...rowMenu.querySelectorAll('button:not(:disabled)')];
    const place = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(place + step + items.length) % items.length].focus();
    else if (event.key === 'Home') items[0].focus();
    else if (event.key === 'End') items[items.length - 1].focus();
    else if (event.key === 'Escape' || event.key === 'Tab') closeRowMenu(true);
    else if (event.key === 'Enter' || event.key === ' ') return;
    event.preventDefault();
    event.stopPropagation();
  });

  listen(window, 'pointerdown', event => {
    if (!rowMenu.contains(event.target)) closeRowMenu();
  });
  for (const type of ['scroll', 'wheel'])
    listen(
      window,
      type,
      event => {
        if (!rowMenu.contains(event.target)) closeRowMenu();
      },
      { capture: true, passive: true },
    );
  closers.push(() => {
    const open = !rowMenu.hidden;
    closeRowMenu();
    return open;
  });
  listen(window, 'resize', () => closeRowMenu());
  on('medium', () => closeRowMenu());
  on('object-menu', openRowMenu);

  // --- keys ---

  Object.assign(shortcuts, {
    x: event => objects[event.shiftKey ? 'toggleSolo' : 'toggle'](state.active),
    k: () => objects.lock(state.active),
    F2: () => focusRow(state.active, 'name'),
  });

  listen(window, 'keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const id = idOf(event.target) ?? state.active;
    if (!step || !event.altKey || event.ctrlKey || event.metaKey || !state.medium || root.dataset.state !== 'work')
      return;
    if (isTyping(event.target) && !objectList.contains(event.target)) return;
    event.preventDefault();
    objects.move(id, step);
    updateObjects();
    reveal(id);
  });
}
