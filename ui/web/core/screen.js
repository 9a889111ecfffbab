// The start screen and the workspace. Once something is open, the start screen is a sheet over the work, with an entry of its
// own in the browser's history: Escape, its button, and the browser's Back close it.

import { emit } from '../shared/events.js';
import { find, listen, root } from './page.js';
import { state } from './store.js';

const SHEET = 'masklet-sheet'; // state of its entry in the history
const sheet = find('sheet');

const isSheetEntry = () => history.state === SHEET;

function openSheet() {
  if (sheet.open) return;
  // Toasts would lie below a modal dialog.
  sheet.append(find('start'), find('toasts'));
  sheet.showModal();
  if (!isSheetEntry()) history.pushState(SHEET, '');
}

/** What was chosen on the start screen goes away with it; keys then belong to the picture, not to the page as a whole. */
function keepFocus() {
  const { activeElement } = document;
  if (activeElement === document.body || !activeElement?.checkVisibility()) find('over').focus({ preventScroll: true });
}

/** @param {'start' | 'work'} name */
export function setScreen(name) {
  const isFirst = name === 'start' && !state.medium;
  root.dataset.state = isFirst ? 'start' : 'work';
  if (name === 'work') sheet.close();
  else if (!isFirst) openSheet();
  if (!sheet.open) window.scrollTo(0, 0);
  if (name === 'work') keepFocus();
  emit('screen', name);
}

/** Nothing lies over the work. */
export const isWorking = () => root.dataset.state === 'work' && !sheet.open;

export function setUpScreen() {
  if (isSheetEntry()) history.replaceState(null, ''); // of the page before it was reloaded
  listen(sheet, 'close', () => {
    root.append(find('toasts'));
    if (isSheetEntry()) history.back();
    emit('screen', 'work');
  });
  listen(sheet, 'click', event => event.target === sheet && sheet.close());
  listen(window, 'popstate', () => {
    if (!isSheetEntry()) sheet.close();
    else if (state.medium) setScreen('start');
  });
}
