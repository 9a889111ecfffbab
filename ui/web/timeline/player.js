// Plays the clip at its own speed, masks in step with the picture. Where the network is slower, frames are left out.

import { isClip, playedRange, timeOf } from '../core/media.js';
import { mount } from '../core/mount.js';
import { find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { setIcon } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { previews } from '../viewport/effect_previews.js';
import { frames } from '../viewport/frames.js';
import { showFrame } from '../viewport/viewport.js';
import { goTo } from './navigation.js';

const AHEAD = 8; // frames to fetch before they are needed
let playing = null; // {since, from}: when playing began, and at which time of the clip

export function play() {
  if (!isClip() || state.playing) return;
  const { first, last } = playedRange();
  if (state.frame >= last || state.frame < first) update({ frame: first });
  update({ playing: true });
  playing = { since: performance.now(), from: timeOf(state.frame) };
  setIcon(find('play'), 'pause');
  find('play').setAttribute('aria-label', 'Pause');
  emit('interaction');
  requestAnimationFrame(playOn);
}

export function pause() {
  if (!state.playing) return;
  update({ playing: false });
  setIcon(find('play'), 'play');
  find('play').setAttribute('aria-label', 'Play');
  goTo(state.frame);
}

function frameAt(time) {
  const { times, fps, frames: count } = state.medium;
  if (!times) return Math.min(count - 1, Math.floor(time * fps + 1e-6));
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function playOn() {
  if (!state.playing || mount.signal.aborted) return;
  const { last } = playedRange();
  const due = Math.min(last, frameAt(playing.from + (performance.now() - playing.since) / 1000));
  const next = previews.on ? previews.inTime(due) : due; // what is not painted in time is left out
  if (next !== null && (next !== state.frame || state.shown.frame !== state.frame)) {
    update({ frame: next });
    frames.prefetch(next, 1, AHEAD);
    try {
      await showFrame(next);
    } catch {
      pause();
      return;
    }
    emit('frame');
  }
  if (due >= last) {
    update({ frame: last });
    return pause();
  }
  requestAnimationFrame(playOn);
}

export function setUpPlayer() {
  listen(find('play'), 'click', () => (state.playing ? pause() : play()));
  on('medium', pause);
}
