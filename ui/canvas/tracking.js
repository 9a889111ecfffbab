// Tracking: the server follows the objects and sends masks as they come; here we start it, watch it and stop it.

const follow = find('follow').querySelector('input');
let leftOff = null;              // {direction, frame}: where a stopped run can go on
let lastTracked = null;          // the frame and step that came last

function track(direction, frame = state.frame) {
  if (!isClip() || state.tracking) return;
  if (!journal.said.size) return toast('Click on a thing first. Then it can be tracked.', 'hint');
  startTracking({ run: Date.now(), direction, frame });
}

// `run` names this run, also for a page that is loaded while it goes on.
function startTracking(wish) {
  if (!line.say({ t: 'track', ...wish })) return toast('There is no connection right now. Try again in a moment.');
  pause();
  follow.checked = true;
  state.tracking = { run: wish.run, direction: wish.direction, stopping: false };
  leftOff = null;
  find('tracking-text').textContent = 'Starting…';
  setProgress(find('progress', find('tracking')), null);
  tip('');
  tell('tracking');
}

function stopTracking() {
  if (!state.tracking) return;
  state.tracking.stopping = true;
  find('tracking-text').textContent = 'Stopping…';
  line.say({ t: 'stop' });
}

// A new connection: what the server does counts, but for a wish to stop that it may not have heard.
function agreeOnTracking(running) {
  if (!running) return ended(true);
  if (state.tracking?.stopping) return line.say({ t: 'stop' });
  state.tracking = { ...running, stopping: false };
  leftOff = null;
  tell('tracking');
}

function ended(stopped) {
  if (!state.tracking) return;
  leftOff = stopped && lastTracked ? goOnFrom(state.tracking.direction) : null;
  state.tracking = null;
  announce(stopped ? 'Tracking stopped' : 'Tracking finished');
  tell('tracking');
}

// Stopped on the way back of both ways, only the way back is left.
function goOnFrom(direction) {
  const { frame, step } = lastTracked, ended = step > 0 ? frame >= state.medium.frames - 1 : frame <= 0;
  if (ended) return null;
  return { direction: direction === 'both' && step < 0 ? 'backward' : direction, frame };
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
  if (!isOurRun(message) || state.tracking.stopping) return;
  setProgress(find('progress', find('tracking')), message.fraction);
  const rate = message.fps >= 10 ? Math.round(message.fps) : message.fps?.toFixed(1);
  const outlook = message.fps ? ` · ${rate} frames/s · ${duration(message.left)} left` : '';
  find('tracking-text').textContent = `${Math.round(100 * message.fraction)}%${outlook}`;
});
when('server-done', message => { if (isOurRun(message)) ended(message.stopped); });
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
on(find('goon'), 'click', () => { if (leftOff) track(leftOff.direction, leftOff.frame); });
on(find('stop'), 'click', stopTracking);
