// Keyboard shortcuts, wherever the focus is, unless the user is typing.

import { openMedium } from '../core/media.js';
import { closeMenus } from '../core/menus.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { isWorking } from '../core/screen.js';
import { isTyping, shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { targetOf } from '../shared/elements.js';
import { goTo } from '../timeline/navigation.js';
import { pause } from '../timeline/player.js';
import { nextSuspicious } from '../timeline/quality_strip.js';
import { range } from '../timeline/range.js';
import { dismissCandidates } from '../tools/candidates.js';
import { setAdding } from '../tools/mode.js';
import { addObject, removeObject } from '../tools/object_actions.js';
import { holdSpace } from '../tools/pointer.js';
import { redo, undo } from '../tracking/history.js';
import { updateStale } from '../tracking/stale_frames.js';
import { stopTracking, track } from '../tracking/tracking.js';
import { zoomAt } from '../viewport/viewport.js';
import { endAutomatic } from './automatic_masks.js';
import { assignClass } from './class_list.js';
import { openDownload } from './download.js';

function removeActive() {
  if (state.log.prompts.has(state.active)) removeObject(state.active);
}

/** @param {number} frame */
function pauseAt(frame) {
  pause();
  goTo(frame);
}

function cancelOrClose() {
  if (state.tracking) stopTracking();
  else if (!closeMenus() && !endAutomatic()) dismissCandidates();
}

/** @type {typeof shortcuts} */
const SHORTCUTS = {
  ArrowLeft: ({ shiftKey }) => pauseAt(state.frame - (shiftKey ? 10 : 1)),
  ArrowRight: ({ shiftKey }) => pauseAt(state.frame + (shiftKey ? 10 : 1)),
  Home: () => pauseAt(0),
  End: () => pauseAt(openMedium().frames - 1),
  ' ': holdSpace,
  g: ({ shiftKey }) => nextSuspicious(shiftKey ? -1 : 1),
  i: ({ shiftKey }) => (shiftKey ? range.clear() : range.begin()),
  o: () => range.end(),
  t: ({ shiftKey }) => track(shiftKey ? 'backward' : 'forward'),
  u: updateStale,
  d: openDownload,
  f: () => track('one'),
  n: addObject,
  Delete: removeActive,
  Backspace: removeActive,
  '+': () => setAdding(true),
  '=': () => setAdding(true),
  '-': () => setAdding(false),
  0: () => zoomAt(0, 0, 0),
  '?': () => find('help-dialog').showModal(),
  Escape: cancelOrClose,
};

/**
 * @param {KeyboardEvent} event with Ctrl or Command
 * @returns {(() => void) | undefined}
 */
function historyAction({ key, shiftKey }) {
  if (key.toLowerCase() === 'z') return shiftKey ? redo : undo;
  return key.toLowerCase() === 'y' ? redo : undefined;
}

/**
 * @param {KeyboardEvent} event
 * @returns {(() => void) | undefined}
 */
function actionOf(event) {
  const { key, code, shiftKey } = event;
  if (event.ctrlKey || event.metaKey) return historyAction(event);
  if (event.altKey) return undefined;
  const digit = shiftKey && /^Digit([1-9])$/.exec(code);
  if (digit) return () => assignClass(Number(digit[1]));
  if (/^[1-9]$/.test(key)) {
    const object = objects.here[Number(key) - 1];
    return () => object && objects.select(object);
  }
  const act = shortcuts[key.length === 1 ? key.toLowerCase() : key];
  return act && (() => act(event));
}

/**
 * Whether the focused element has a use for the key: buttons, boxes and sliders do.
 * @param {KeyboardEvent} event
 */
function isHandledByTarget(event) {
  const target = targetOf(event);
  if (
    [' ', 'Enter'].includes(event.key) &&
    target.closest('button, input[type=checkbox], input[type=radio], input[type=color]')
  )
    return true;
  const panels = 'input[type=radio], .mk-view-panel, .mk-size, .mk-effects, .mk-text-panel, .mk-automatic, .mk-tabs';
  return /^(Arrow|Home|End)/.test(event.key) && !!target.closest(panels);
}

export function setUpKeyboard() {
  Object.assign(shortcuts, SHORTCUTS);
  listen(window, 'keydown', event => {
    if (!state.medium || !isWorking() || event.defaultPrevented) return;
    if (isTyping(targetOf(event)) || isHandledByTarget(event)) return;
    const act = actionOf(event);
    if (!act) return;
    act();
    event.preventDefault();
  });
}
