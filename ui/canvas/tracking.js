// Tracking: the server follows the objects and sends masks as they come; here we start it, watch it and stop it.

const follow = find('follow').querySelector('input');
let leftOff = null;              // what is left of a stopped run, as in `startTracking`
let lastTracked = null;          // the frame and step that came last

// From the frame that is looked at, within the range: forward, backward or both; one: only this frame; update: what a
// correction has touched.
function track(direction) {
  if (!isClip() || state.tracking) return;
  if (!journal.said.size) return toast('Click on a thing first. Then it can be tracked.', 'hint');
  const { first, last } = state.range ?? { first: 0, last: state.medium.frames - 1 };
  startTracking({ run: Date.now(), direction, frame: state.frame, first, last, pause: pausing.wanted });
}

// `run` names this run, also for a page that is loaded while it goes on.
function startTracking(wish) {
  if (!line.say({ t: 'track', ...wish })) return toast('There is no connection right now. Try again in a moment.');
  pause();
  follow.checked = true;
  begun(wish);
  find('tracking-text').textContent = 'Starting…';
  setProgress(find('progress', find('tracking')), null);
  tip('');
}

function begun(wish) {
  state.tracking = { ...wish, stopping: false };
  leftOff = null;
  tell('tracking');
}

function stopTracking() {
  if (!state.tracking) return;
  state.tracking.stopping = true;
  find('tracking-text').textContent = 'Stopping…';
  line.say({ t: 'stop' });
}

// What is left goes on with a run of its own. Where it was paused it is not paused again: the object is known to be lost.
function goOn() {
  if (leftOff && !state.tracking) startTracking({ ...leftOff, run: Date.now(), pause: pausing.wanted });
}

// A new connection: what the server does counts, but for a wish to stop that it may not have heard.
function agreeOnTracking(running) {
  if (!running) return ended(true);
  if (state.tracking?.stopping) return line.say({ t: 'stop' });
  begun(running);
}

function ended(stopped) {
  if (!state.tracking) return;
  const { stopping, ...wish } = state.tracking;
  leftOff = stopped && wish.direction !== 'one' ? wish : null;
  state.tracking = null;
  announce(stopped ? 'Tracking stopped' : 'Tracking finished');
  tell('tracking');
}

function report({ stopped, changed, lost, frame }) {
  if (lost) return tellOfLoss(lost, frame);
  const words = stopped ? 'Stopped' : 'Tracking finished';
  const text = changed || stopped ? `${words}: ${counted(changed, 'frame')} changed.` : 'Nothing to do: all of it is up to date.';
  tip(text);
  announce(text);
}

function duration(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

// An earlier run may still have something to say.
const isOurRun = message => message.job === 'track' && message.run === state.tracking?.run;

when('tracked', message => {
  lastTracked = { frame: message.frame, step: message.tracked };
  if (state.tracking && follow.checked) goTo(message.frame, true);
});

when('server-progress', message => {
  if (!isOurRun(message)) return;
  Object.assign(state.tracking, { direction: message.direction, frame: message.frame });   // what is left from here
  if (state.tracking.stopping) return;
  setProgress(find('progress', find('tracking')), message.fraction);
  const rate = message.fps >= 10 ? Math.round(message.fps) : message.fps?.toFixed(1);
  const outlook = message.fps ? ` · ${rate} frames/s · ${duration(message.left)} left` : '';
  find('tracking-text').textContent = `${Math.round(100 * message.fraction)}%${outlook}`;
});
when('server-done', message => {
  if (!isOurRun(message)) return;
  Object.assign(state.tracking, { direction: message.direction, frame: message.frame });
  ended(message.stopped);
  report(message);
});
when('server-error', message => { if (isOurRun(message)) ended(true); });

// Whoever looks elsewhere while tracking goes on wants to stay there.
when('touched', () => { if (state.tracking) follow.checked = false; });

when('tracking medium journal', () => {
  const running = !!state.tracking, possible = journal.said.size > 0;
  root.classList.toggle('mk-is-tracking', running);
  find('tracking').hidden = !running;
  find('track').hidden = running;
  find('goon').hidden = !leftOff;
  for (const button of find('track').querySelectorAll('[data-direction]')) button.disabled = !possible;
});
when('medium', () => { leftOff = lastTracked = null; state.tracking = null; });

for (const button of find('track').querySelectorAll('[data-direction]')) {
  on(button, 'click', () => track(button.dataset.direction));
}
on(find('goon'), 'click', goOn);
on(find('stop'), 'click', stopTracking);
