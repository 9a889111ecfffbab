// Moving through a clip: to a frame, by one, by ten, by the slider, by a typed number; and the clock that says where we are.

const scrub = find('scrub');

// Shows another frame of the clip; `quietly` leaves the user's wish to follow the tracking as it is.
function goTo(frame, quietly = false) {
  if (!state.medium) return Promise.resolve(false);
  state.frame = clamp(Math.round(frame), 0, state.medium.frames - 1);
  if (!quietly) tell('touched');
  tell('frame');
  return show(state.frame).then(current => {
    if (current && !state.playing) frames.prefetch(state.frame, 1, isAlbum() ? 2 : 3);
    if (current && isAlbum()) frames.prefetch(state.frame, -1, 1);
    return current;
  }).catch(() => { if (line.status === 'on') toast('This frame could not be loaded. Step on, or try again.'); });
}

const timeOf = frame => (state.medium.times ? state.medium.times[frame] : frame / (state.medium.fps || 1));

function clock(seconds) {
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds % 1) * 100)).padStart(2, '0')}`;
}

function updateClock() {
  if (!isClip()) return;
  scrub.value = state.frame;
  const { score, reason } = suspicionAt(state.active, state.frame), doubt = score >= SUSPICIOUS ? `, ${reason}` : '';
  scrub.setAttribute('aria-valuetext', `frame ${state.frame + 1} of ${state.medium.frames}${doubt}`);
  find('frame-number').textContent = state.frame + 1;
  find('frame-total').textContent = ` / ${state.medium.frames}`;
  find('time').textContent = clock(timeOf(state.frame));
  find('frame-number').style.minWidth = `${String(state.medium.frames).length}ch`;
}

// --- a frame's number, typed ---

const frameEntry = find('frame-entry');

function askForFrame() {
  pause();
  frameEntry.value = state.frame + 1;
  showEntry(true);
  frameEntry.select();
}

function showEntry(open) {
  frameEntry.hidden = !open;
  find('frame-go').classList.toggle('mk-covered', open);
  if (open) frameEntry.focus();
}

on(find('frame-go'), 'click', askForFrame);
on(frameEntry, 'blur', () => showEntry(false));
on(frameEntry, 'keydown', event => {
  if (event.key !== 'Enter' && event.key !== 'Escape') return;
  const typed = frameEntry.value.trim(), number = Number(typed);
  if (event.key === 'Enter' && (!typed || !Number.isInteger(number))) {
    toast(`Type a number from 1 to ${state.medium.frames}.`, 'hint');
    return frameEntry.select();
  }
  if (event.key === 'Enter') goTo(number - 1);
  showEntry(false);
  find('frame-go').focus();
  event.preventDefault();
});

on(scrub, 'input', () => { pause(); goTo(Number(scrub.value)); });
on(find('first'), 'click', () => { pause(); goTo(0); });
on(find('last'), 'click', () => { pause(); goTo(state.medium.frames - 1); });
on(find('previous'), 'click', () => { pause(); goTo(state.frame - 1); });
on(find('next'), 'click', () => { pause(); goTo(state.frame + 1); });
on(find('back-ten'), 'click', () => { pause(); goTo(state.frame - 10); });
on(find('on-ten'), 'click', () => { pause(); goTo(state.frame + 10); });

when('medium', () => { scrub.max = Math.max(0, (state.medium?.frames ?? 1) - 1); });
when('medium frame', updateClock);
