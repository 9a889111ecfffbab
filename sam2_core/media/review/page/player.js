// From frame to frame: by one, by ten, by the slider, and playing at the source's own speed.

import { setIcon } from '../../../../ui/web/shared/elements.js';
import { emit, on } from '../../../../ui/web/shared/events.js';
import { clock } from '../../../../ui/web/shared/format.js';
import { clamp } from '../../../../ui/web/shared/values.js';
import { frames } from './frames.js';
import { find, isAlbum, isClip, listen, medium, shots, state, times, update } from './page.js';
import { show } from './viewport.js';

const AHEAD = 6; // frames that are decoded before they are needed
/** @type {{ since: number, from: number } | null} when playing began (ms), and at which time of the clip (s) */
let playing = null;

/** @param {number} place */
export async function goTo(place) {
  update({ place: clamp(Math.round(place), 0, shots.length - 1) });
  emit('frame');
  if ((await show(state.place)) && !state.playing) frames.prefetch(2);
}

/** @param {number} frame of the source */
export const goToFrame = frame => {
  pause();
  return goTo(shots.indexOf(frame));
};
/** @param {number} by */
export const step = by => {
  pause();
  goTo(state.place + by);
};

export function play() {
  if (!isClip || state.playing) return;
  if (state.place === shots.length - 1) update({ place: 0 });
  update({ playing: true });
  playing = { since: performance.now(), from: times[state.place] };
  showPlaying();
  requestAnimationFrame(playOn);
}

export function pause() {
  if (!state.playing) return;
  update({ playing: false });
  showPlaying();
  goTo(state.place);
}

function showPlaying() {
  setIcon(find('go-play'), state.playing ? 'pause' : 'play');
  find('go-play').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
}

/** @param {number} time in seconds */
function placeAt(time) {
  let place = state.place;
  while (place + 1 < shots.length && times[place + 1] <= time) place += 1;
  return place;
}

async function playOn() {
  if (!state.playing || !playing) return;
  const due = placeAt(playing.from + (performance.now() - playing.since) / 1000);
  if (due !== state.place || state.shown?.frame !== shots[due]) {
    frames.prefetch(AHEAD);
    await goTo(due);
  }
  if (due === shots.length - 1) return pause();
  requestAnimationFrame(playOn);
}

export function setUpPlayer() {
  on('frame', () => {
    const { place } = state;
    const frame = shots[place];
    const word = isAlbum ? 'photo' : 'frame';
    find('scrub').value = String(place);
    find('scrub').setAttribute('aria-valuetext', `${word} ${frame + 1} of ${medium.frames}`);
    find('frame-number').textContent = String(frame + 1);
    find('frame-total').textContent = ` / ${medium.frames}`;
    find('time').textContent = isAlbum ? (medium.names?.[frame] ?? '') : clock(times[place]);
    find('go-first').disabled = find('go-previous').disabled = place === 0;
    find('go-next').disabled = find('go-last').disabled = place === shots.length - 1;
  });
  listen(find('go-play'), 'click', () => (state.playing ? pause() : play()));
  listen(find('go-first'), 'click', () => step(-Infinity));
  listen(find('go-last'), 'click', () => step(Infinity));
  listen(find('go-previous'), 'click', () => step(-1));
  listen(find('go-next'), 'click', () => step(1));
}
