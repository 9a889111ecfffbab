// Plays the clip at its own speed, masks in step with the frames. Where the network is slower, frames are left out.

import { frameAtTime, isClip, playedRange, timeOf } from '../core/media.js';
import { mount } from '../core/mount.js';
import { find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { setIcon } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { previews } from '../viewport/effect_previews.js';
import { frames } from '../viewport/frames.js';
import { showFrame } from '../viewport/viewport.js';
import { goTo } from './navigation.js';
import { sound } from './sound.js';

const PREFETCHED_FRAMES = 8;
/** When playback began, in milliseconds of the page, and at which second of the clip. */
let start = { at: 0, time: 0 };

/** @param {boolean} playing */
function setPlaying(playing) {
  update({ playing });
  setIcon(find('play'), playing ? 'pause' : 'play');
  find('play').setAttribute('aria-label', playing ? tr('Pause') : tr('Play'));
}

export function play() {
  if (!isClip() || state.playing) return;
  const { first, last } = playedRange();
  if (state.frame >= last || state.frame < first) update({ frame: first });
  setPlaying(true);
  start = { at: performance.now(), time: timeOf(state.frame) };
  sound.play(start.time);
  emit('interaction');
  requestAnimationFrame(playNext);
}

export function pause() {
  if (!state.playing) return;
  setPlaying(false);
  sound.pause();
  goTo(state.frame);
}

async function playNext() {
  if (!state.playing || mount.signal.aborted) return;
  const { last } = playedRange();
  const now = performance.now();
  start = { at: now, time: sound.timeAt(start.time + (now - start.at) / 1000) };
  const due = Math.min(last, Math.max(state.frame, frameAtTime(start.time)));
  const next = previews.on ? previews.inTime(due) : due;
  if (next !== null && (next !== state.frame || state.shown.frame !== state.frame)) {
    update({ frame: next });
    frames.prefetch(next, 1, PREFETCHED_FRAMES);
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
  requestAnimationFrame(playNext);
}

export function setUpPlayer() {
  listen(find('play'), 'click', () => (state.playing ? pause() : play()));
  on('medium', pause);
}
