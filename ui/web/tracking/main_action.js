// The main action of a clip: one button that offers what comes next. Track, stop, update what corrections have touched, go
// on with what was stopped, and at the end the download.

import { hasTimeline, playedRange } from '../core/media.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { setIcon } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { oncePerFrame } from '../shared/refresh.js';
import { masks, STALE, UNKNOWN } from '../viewport/masks.js';
import { countStale, updateStale } from './stale_frames.js';
import { continueTracking, remainingFrames, stopTracking, track } from './tracking.js';

/** @typedef {'track' | 'stop' | 'update' | 'resume' | 'done'} MainAction */

/** @type {Record<MainAction, { icon: string; title: string; act: () => void }>} */
const ACTIONS = {
  track: { icon: 'both', title: 'Track from here to the end, then to the start', act: () => track('both') },
  stop: { icon: 'stop', title: 'Stop tracking (Esc)', act: stopTracking },
  update: {
    icon: 'update',
    title: 'Track again what a correction has touched, nothing else (U)',
    act: updateStale,
  },
  resume: { icon: 'play', title: 'Go on with what was stopped', act: continueTracking },
  done: { icon: 'check', title: 'Every frame is tracked. Download it (D)', act: () => find('download').click() },
};

const button = find('main-action');

/** All prompted objects are tracked, and up to date, on all frames that are played. */
function isDone() {
  const { first, last } = playedRange();
  const tracked = [...state.log.prompts.keys()].map(object => masks.lane(object).subarray(first, last + 1));
  return tracked.length > 0 && tracked.every(lane => !lane.includes(UNKNOWN) && !lane.includes(STALE));
}

/**
 * @param {number} stale how many frames are out of date
 * @returns {MainAction}
 */
function nextAction(stale) {
  if (state.tracking) return 'stop';
  if (stale) return 'update';
  if (remainingFrames()) return 'resume';
  return isDone() ? 'done' : 'track';
}

/** @type {Record<MainAction, string>} */
const TEXTS = { track: 'Track', stop: 'Stop', update: '', resume: 'Go on', done: 'Done' };

const updateAction = oncePerFrame(() => {
  if (!hasTimeline()) return;
  const stale = countStale();
  const action = nextAction(stale);
  const { icon, title } = ACTIONS[action];
  button.dataset.action = action;
  button.title = title;
  button.disabled = action === 'track' && !state.log.prompts.size;
  setIcon(button, icon);
  find('main-action-text').textContent = action === 'update' ? `Update ${counted(stale, 'frame')}` : TEXTS[action];
  find('resume').hidden = action !== 'update' || !remainingFrames();
});

export function setUpMainAction() {
  listen(button, 'click', () => ACTIONS[/** @type {MainAction} */ (button.dataset.action)].act());
  listen(find('resume'), 'click', continueTracking);
  on('masks medium log range tracking', updateAction);
}
