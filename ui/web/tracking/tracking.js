// Tracking: the server follows the objects and sends masks as they come; here we start it, watch it and stop it.

import { isClip } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { setProgress } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { counted, duration } from '../shared/format.js';
import { goTo } from '../timeline/navigation.js';
import { pause } from '../timeline/player.js';
import { pauseOnLoss, showLoss } from './loss.js';

const followCheckbox = find('follow').querySelector('input');

// From the frame that is looked at, within the range: forward, backward or both; one: only this frame; update: what a
// correction has touched.
export function track(direction) {
  if (!isClip() || state.tracking) return;
  if (!state.log.prompts.size) return toast('Click on a thing first. Then it can be tracked.', 'hint');
  const { first, last } = state.range ?? { first: 0, last: state.medium.frames - 1 };
  startTracking({ run: Date.now(), direction, frame: state.frame, first, last, pause: pauseOnLoss.wanted });
}

// `run` names this run, also for a page that is loaded while it goes on.
export function startTracking(wish) {
  if (!connection.send({ t: 'track', ...wish }))
    return toast('There is no connection right now. Try again in a moment.');
  pause();
  followCheckbox.checked = true;
  trackingStarted(wish);
  find('tracking-text').textContent = 'Starting…';
  setProgress(find('progress', find('tracking')), null);
  showTip('');
}

function trackingStarted(wish) {
  update({ tracking: { ...wish, stopping: false }, interrupted: null });
  emit('tracking');
}

export function stopTracking() {
  if (!state.tracking) return;
  update({ tracking: { ...state.tracking, stopping: true } });
  find('tracking-text').textContent = 'Stopping…';
  connection.send({ t: 'stop' });
}

// What is left goes on with a run of its own. Where it was paused it is not paused again: the object is known to be lost.
function continueTracking() {
  if (state.interrupted && !state.tracking)
    startTracking({ ...state.interrupted, run: Date.now(), pause: pauseOnLoss.wanted });
}

// A new connection: what the server does counts, but for a wish to stop that it may not have heard.
export function syncTracking(running) {
  if (!running) return trackingEnded(true);
  if (state.tracking?.stopping) return connection.send({ t: 'stop' });
  trackingStarted(running);
}

export function trackingEnded(stopped) {
  if (!state.tracking) return;
  const { stopping, ...wish } = state.tracking;
  update({ interrupted: stopped && wish.direction !== 'one' ? wish : null, tracking: null });
  announce(stopped ? 'Tracking stopped' : 'Tracking finished');
  emit('tracking');
}

function reportTracking({ stopped, changed, lost, frame }) {
  if (lost) return showLoss(lost, frame);
  const words = stopped ? 'Stopped' : 'Tracking finished';
  const text =
    changed || stopped ? `${words}: ${counted(changed, 'frame')} changed.` : 'Nothing to do: all of it is up to date.';
  showTip(text);
  announce(text);
}

// An earlier run may still have something to say.
const isOurRun = message => message.job === 'track' && message.run === state.tracking?.run;

export function setUpTracking() {
  on('tracked', message => {
    update({ lastTracked: { frame: message.frame, step: message.step } });
    if (state.tracking && followCheckbox.checked) goTo(message.frame, true);
  });

  on('server-progress', message => {
    if (!isOurRun(message)) return;
    update({ tracking: { ...state.tracking, direction: message.direction, frame: message.frame } }); // what is left from here
    if (state.tracking.stopping) return;
    setProgress(find('progress', find('tracking')), message.fraction);
    const rate = message.fps >= 10 ? Math.round(message.fps) : message.fps?.toFixed(1);
    const outlook = message.fps ? ` · ${rate} frames/s · ${duration(message.left)} left` : '';
    find('tracking-text').textContent = `${Math.round(100 * message.fraction)}%${outlook}`;
  });
  on('server-done', message => {
    if (!isOurRun(message)) return;
    update({ tracking: { ...state.tracking, direction: message.direction, frame: message.frame } });
    trackingEnded(message.stopped);
    reportTracking(message);
  });
  on('server-error', message => {
    if (isOurRun(message)) trackingEnded(true);
  });

  // Whoever looks elsewhere while tracking goes on wants to stay there.
  on('interaction', () => {
    if (state.tracking) followCheckbox.checked = false;
  });

  on('tracking medium log', () => {
    const running = !!state.tracking;
    const possible = state.log.prompts.size > 0;
    root.classList.toggle('mk-is-tracking', running);
    find('tracking').hidden = !running;
    find('track').hidden = running;
    find('resume').hidden = !state.interrupted;
    for (const button of find('track').querySelectorAll('[data-direction]')) button.disabled = !possible;
  });
  on('medium', () => {
    update({ interrupted: null, lastTracked: null, tracking: null });
  });

  for (const button of find('track').querySelectorAll('[data-direction]')) {
    listen(button, 'click', () => track(button.dataset.direction));
  }
  listen(find('resume'), 'click', continueTracking);
  listen(find('lost-resume'), 'click', continueTracking);
  listen(find('stop'), 'click', stopTracking);
}
