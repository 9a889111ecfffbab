// The main action of a clip: one button that offers what comes next. Track, stop, update what corrections have touched, go
// on with what was stopped, look at the places where masks look wrong, and at the end the download.

import { hasTimeline, playedRange } from '../core/media.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { setIcon } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { plural, tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';
import { checkNextPlace, placesToCheck } from '../timeline/quality_strip.js';
import { masks, STALE, UNKNOWN } from '../viewport/masks.js';
import { countStale, updateStale } from './stale_frames.js';
import { continueTracking, remainingFrames, stopTracking, track } from './tracking.js';

/** @typedef {'track' | 'stop' | 'update' | 'resume' | 'check' | 'done'} MainAction */

/** @type {Record<MainAction, { icon: string; title: string; act: () => void }>} */
const ACTIONS = {
  track: { icon: 'both', title: tr('Track from here to the end, then to the start'), act: () => track('both') },
  stop: { icon: 'stop', title: tr('Stop tracking (Esc)'), act: stopTracking },
  update: {
    icon: 'update',
    title: tr('Track again what a correction has touched, nothing else (U)'),
    act: updateStale,
  },
  resume: { icon: 'play', title: tr('Go on with what was stopped'), act: continueTracking },
  check: {
    icon: 'suspicious',
    title: tr('Every frame is tracked, but some masks look wrong. Go to the next of them (G)'),
    act: checkNextPlace,
  },
  done: { icon: 'check', title: tr('Every frame is tracked. Download it (D)'), act: () => find('download').click() },
};

const button = find('main-action');

/** All prompted objects are tracked, and up to date, on all frames that are played. */
function isDone() {
  const { first, last } = playedRange();
  const tracked = [...state.log.prompts.keys()].map(object => masks.lane(object).subarray(first, last + 1));
  return tracked.length > 0 && tracked.every(lane => !lane.includes(UNKNOWN) && !lane.includes(STALE));
}

/** @returns {[action: MainAction, text: string]} */
function nextAction() {
  if (state.tracking) return ['stop', tr('Stop')];
  const stale = countStale();
  if (stale) return ['update', plural(stale, 'Update {n} frame', 'Update {n} frames')];
  if (remainingFrames()) return ['resume', tr('Go on')];
  if (!isDone()) return ['track', tr('Track')];
  const places = placesToCheck().length;
  return places ? ['check', plural(places, '{n} place to check', '{n} places to check')] : ['done', tr('Done')];
}

const updateAction = oncePerFrame(() => {
  if (!hasTimeline()) return;
  const [action, text] = nextAction();
  const { icon, title } = ACTIONS[action];
  button.dataset.action = action;
  button.title = title;
  button.disabled = action === 'track' && !state.log.prompts.size;
  setIcon(button, icon);
  find('main-action-text').textContent = text;
  find('resume').hidden = action !== 'update' || !remainingFrames();
});

export function setUpMainAction() {
  listen(button, 'click', () => ACTIONS[/** @type {MainAction} */ (button.dataset.action)].act());
  listen(find('resume'), 'click', continueTracking);
  on('masks medium log objects range tracking checked', updateAction);
}
