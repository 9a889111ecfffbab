// Tracking: the server tracks the objects and sends masks as they come; the page starts it, shows its progress and stops it.

import { hasTimeline, playedRange } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { setProgress } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { duration, percent } from '../shared/format.js';
import { number, plural, tr } from '../shared/language.js';
import { goTo } from '../timeline/navigation.js';
import { pause } from '../timeline/player.js';
import { masks, UNKNOWN } from '../viewport/masks.js';
import { pausesOnLoss, showLoss } from './loss.js';

/** @import { DetectClipRequest, DoneEvent, ErrorEvent, ProgressEvent, TrackRequest } from '../protocol.js' */

const followBox = find('follow-box');
const progressBar = find('progress', find('tracking'));
const directionButtons = /** @type {NodeListOf<HTMLButtonElement>} */ (
  find('track').querySelectorAll('[data-direction]')
);

/**
 * Tracks from the current frame within the range; 'one' tracks only this frame, 'update' what is stale.
 * @param {TrackingRun['direction']} direction
 */
export function track(direction) {
  if (!hasTimeline() || state.tracking) return;
  if (!state.log.prompts.size) return toast(tr('Click on a thing first. Then it can be tracked.'), 'hint');
  startTracking({ run: Date.now(), direction, frame: state.frame, ...playedRange(), pause: pausesOnLoss() });
}

/**
 * @param {TrackingRun} run whose number names it also for a page that is loaded while it goes on
 * @param {TrackRequest | DetectClipRequest} [request]
 */
export function startTracking(run, request = { t: 'track', ...run }) {
  if (!connection.send(request)) return toast(tr('There is no connection right now. Try again in a moment.'));
  pause();
  followBox.checked = true;
  trackingStarted(run);
  find('tracking-text').textContent = tr('Starting…');
  setProgress(progressBar, null);
  showTip('');
}

/**
 * A run that goes through the clip, so that it can be gone on with; an update or a frame alone leaves it as it is.
 * @param {TrackingRun} run
 */
const isPass = ({ direction }) => direction !== 'one' && direction !== 'update';

/** @param {TrackingRun} run */
function trackingStarted(run) {
  update({ tracking: { ...run, stopping: false }, ...(isPass(run) && { interrupted: null }) });
  emit('tracking');
}

export function stopTracking() {
  if (!state.tracking) return;
  update({ tracking: { ...state.tracking, stopping: true } });
  find('tracking-text').textContent = tr('Stopping…');
  connection.send({ t: 'stop' });
}

/** What can be gone on with: the run that was stopped, or while one goes on, that. */
export const unfinishedRun = () => {
  const { tracking, interrupted } = state;
  if (!tracking || !isPass(tracking)) return interrupted;
  const { stopping, ...run } = tracking;
  return run;
};

/** How many frames of the run that was stopped some object is not tracked on yet. */
export function remainingFrames() {
  if (!state.interrupted) return 0;
  const { direction, frame, first, last } = state.interrupted;
  const [from, to] = [direction === 'forward' ? frame : first, direction === 'backward' ? frame : last];
  const lanes = [...state.log.prompts.keys()].map(object => masks.lane(object));
  let count = 0;
  for (let at = from; at <= to; at += 1) if (lanes.some(lane => lane[at] === UNKNOWN)) count += 1;
  return count;
}

/** Tracks the rest as a run of its own. */
export function continueTracking() {
  if (state.interrupted && !state.tracking)
    startTracking({ ...state.interrupted, run: Date.now(), pause: pausesOnLoss() });
}

/**
 * Takes over the server's state on a new connection; a request to stop may have been lost with the last one.
 * @param {TrackingRun | null} running
 */
export function syncTracking(running) {
  if (!running) trackingEnded(true);
  else if (state.tracking?.stopping) connection.send({ t: 'stop' });
  else trackingStarted(running);
}

/** @param {boolean} stopped before its end */
export function trackingEnded(stopped) {
  if (!state.tracking) return;
  const { stopping, ...run } = state.tracking;
  update({ tracking: null, ...(isPass(run) && { interrupted: stopped ? run : null }) });
  announce(stopped ? tr('Tracking stopped') : tr('Tracking finished'));
  emit('tracking');
}

/**
 * The current run if an event is about it; one of an earlier run may come late.
 * @param {ProgressEvent | DoneEvent | ErrorEvent} event
 */
const currentRun = ({ job, run }) => (job === 'track' && run === state.tracking?.run ? state.tracking : null);

/** @param {ProgressEvent} event */
function showTrackingProgress(event) {
  const run = currentRun(event);
  if (!run) return;
  const { direction = run.direction, frame = run.frame, fraction, fps, left = 0, message } = event;
  update({ tracking: { ...run, direction, frame } });
  if (run.stopping) return;
  setProgress(progressBar, fraction);
  if (fraction === null) {
    find('tracking-text').textContent = message; // a detector is loaded, or looks
    return;
  }
  const pace = fps
    ? [tr('{n} frames/s', { n: number(fps, fps >= 10 ? 0 : 1) }), tr('{time} left', { time: duration(left) })]
    : [];
  find('tracking-text').textContent = [percent(fraction), ...pace].join(' · ');
}

/** @param {DoneEvent} event */
function trackingDone(event) {
  const run = currentRun(event);
  if (!run) return;
  const { direction = run.direction, frame = run.frame, stopped = false, changed = 0, lost } = event;
  update({ tracking: { ...run, direction, frame } });
  trackingEnded(stopped);
  if (lost) return showLoss(lost, frame);
  const finished = changed
    ? plural(changed, 'Tracking finished: {n} frame changed.', 'Tracking finished: {n} frames changed.')
    : tr('Nothing to do: all of it is up to date.');
  const text = stopped ? plural(changed, 'Stopped: {n} frame changed.', 'Stopped: {n} frames changed.') : finished;
  showTip(text);
  announce(text);
}

export function setUpTracking() {
  on('tracked', ({ frame }) => {
    update({ lastTrackedFrame: frame });
    if (state.tracking && followBox.checked) goTo(frame, true);
  });
  on('server-progress', showTrackingProgress);
  on('server-done', trackingDone);
  on('server-error', event => {
    if (currentRun(event)) trackingEnded(true);
  });

  // What was left when the connection was lost says nothing any more.
  on('connection', status => {
    if (status === 'on' || !state.tracking) return;
    find('tracking-text').textContent = tr('Waiting for the connection…');
    setProgress(progressBar, null);
  });

  // A user who goes to another frame meanwhile wants to stay there.
  on('interaction', () => {
    if (state.tracking) followBox.checked = false;
  });

  on('tracking medium log', () => {
    const running = !!state.tracking;
    root.classList.toggle('mk-is-tracking', running);
    find('tracking').hidden = !running;
    find('track').hidden = running;
    for (const button of directionButtons) button.disabled = !state.log.prompts.size;
  });
  on('medium', () => {
    update({ lastTrackedFrame: null, tracking: null });
  });

  for (const button of directionButtons) {
    const direction = /** @type {TrackingRun['direction']} */ (button.dataset.direction);
    listen(button, 'click', () => track(direction));
  }
  listen(find('lost-resume'), 'click', continueTracking);
}
