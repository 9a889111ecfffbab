// From frame to frame: by one, by ten, by the slider, and playing at the source's own speed.

const AHEAD = 6;                 // frames that are decoded before they are needed
let playing = null;              // {since, from}: when playing began, and at which time of the clip

async function goTo(place) {
  state.place = clamp(Math.round(place), 0, shots.length - 1);
  tell('frame');
  if (await show(state.place) && !state.playing) frames.prefetch(2);
}

// To a frame of the source.
const goToFrame = frame => { pause(); return goTo(shots.indexOf(frame)); };
const step = by => { pause(); goTo(state.place + by); };

function play() {
  if (!isClip || state.playing) return;
  if (state.place === shots.length - 1) state.place = 0;
  state.playing = true;
  playing = { since: performance.now(), from: times[state.place] };
  showPlaying();
  requestAnimationFrame(playOn);
}

function pause() {
  if (!state.playing) return;
  state.playing = false;
  showPlaying();
  goTo(state.place);
}

function showPlaying() {
  setIcon(find('go-play'), state.playing ? 'pause' : 'play');
  find('go-play').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
}

function placeAt(time) {
  let place = state.place;
  while (place + 1 < shots.length && times[place + 1] <= time) place += 1;
  return place;
}

async function playOn() {
  if (!state.playing) return;
  const due = placeAt(playing.from + (performance.now() - playing.since) / 1000);
  if (due !== state.place || shown?.frame !== shots[due]) {
    frames.prefetch(AHEAD);
    await goTo(due);
  }
  if (due === shots.length - 1) return pause();
  requestAnimationFrame(playOn);
}

function clock(seconds) {
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds % 1) * 100)).padStart(2, '0')}`;
}

when('frame', () => {
  const { place } = state, frame = shots[place], word = isAlbum ? 'photo' : 'frame';
  scrub.value = place;
  scrub.setAttribute('aria-valuetext', `${word} ${frame + 1} of ${medium.frames}`);
  find('frame-number').textContent = frame + 1;
  find('frame-total').textContent = ` / ${medium.frames}`;
  find('time').textContent = isAlbum ? medium.names[frame] : clock(times[place]);
  for (const name of ['go-first', 'go-previous']) find(name).disabled = place === 0;
  for (const name of ['go-next', 'go-last']) find(name).disabled = place === shots.length - 1;
});
on(find('go-play'), 'click', () => (state.playing ? pause() : play()));
on(find('go-first'), 'click', () => step(-Infinity));
on(find('go-last'), 'click', () => step(Infinity));
on(find('go-previous'), 'click', () => step(-1));
on(find('go-next'), 'click', () => step(1));
