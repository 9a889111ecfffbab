// Keys, wherever the focus is, unless somebody is typing.

import { closeMenus } from '../core/menus.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { isTyping, shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
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
import { openDownload } from './download.js';

function removeActive() {
  if (state.log.prompts.has(state.active)) removeObject(state.active);
}

function undoKey(event) {
  if (!(event.ctrlKey || event.metaKey)) return false;
  const key = event.key.toLowerCase();
  if (key === 'z') event.shiftKey ? redo() : undo();
  else if (key === 'y') redo();
  else return false;
  return true;
}

export function setUpKeyboard() {
  Object.assign(shortcuts, {
    ArrowLeft: event => {
      pause();
      goTo(state.frame - (event.shiftKey ? 10 : 1));
    },
    ArrowRight: event => {
      pause();
      goTo(state.frame + (event.shiftKey ? 10 : 1));
    },
    Home: () => {
      pause();
      goTo(0);
    },
    End: () => {
      pause();
      goTo(state.medium.frames - 1);
    },
    ' ': holdSpace,
    g: event => nextSuspicious(event.shiftKey ? -1 : 1),
    i: event => (event.shiftKey ? range.clear() : range.begin()),
    o: () => range.end(),
    t: event => track(event.shiftKey ? 'backward' : 'forward'),
    u: () => updateStale(),
    d: () => openDownload(),
    f: () => track('one'),
    n: () => addObject(),
    Delete: () => removeActive(),
    Backspace: () => removeActive(),
    '+': () => setAdding(true),
    '=': () => setAdding(true),
    '-': () => setAdding(false),
    0: () => zoomAt(0, 0, 0),
    '?': () => find('help-dialog').showModal(),
    Escape: () => {
      if (state.tracking) stopTracking();
      else if (!closeMenus()) dismissCandidates();
    },
  });

  listen(window, 'keydown', event => {
    if (!state.medium || root.dataset.state !== 'work' || isTyping(event.target) || event.defaultPrevented) return;
    // A button or box that has the focus keeps its own keys, and so does a slider.
    if (event.target.closest('button, input[type=checkbox], input[type=color]') && [' ', 'Enter'].includes(event.key))
      return;
    if (event.target.closest('.mk-opacity, .mk-size, .mk-effects') && /^(Arrow|Home|End)/.test(event.key)) return;
    if (undoKey(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(event.key);
    const act = shortcuts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (number >= 1 && number <= 9) {
      if (objects.listed[number - 1]) objects.select(objects.listed[number - 1]);
    } else if (act) act(event);
    else return;
    event.preventDefault();
  });
}
