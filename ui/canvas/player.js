// Plays the clip at its own speed, masks in step with the picture. Where the network is slower, frames are left out.

const AHEAD = 8;                 // frames to fetch before they are needed
let playing = null;              // {since, from}: when playing began, and at which time of the clip

function play() {
  if (!isClip() || state.playing) return;
  const { first, last } = range.played;
  if (state.frame >= last || state.frame < first) state.frame = first;
  state.playing = true;
  playing = { since: performance.now(), from: timeOf(state.frame) };
  setIcon(find('play'), 'pause');
  find('play').setAttribute('aria-label', 'Pause');
  tell('touched');
  requestAnimationFrame(playOn);
}

function pause() {
  if (!state.playing) return;
  state.playing = false;
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
  const { last } = range.played;
  const due = Math.min(last, frameAt(playing.from + (performance.now() - playing.since) / 1000));
  const next = previews.on ? previews.inTime(due) : due;         // what is not painted in time is left out
  if (next !== null && (next !== state.frame || shown.frame !== state.frame)) {
    state.frame = next;
    frames.prefetch(next, 1, AHEAD);
    try {
      await show(next);
    } catch {
      pause();
      return;
    }
    tell('frame');
  }
  if (due >= last) {
    state.frame = last;
    return pause();
  }
  requestAnimationFrame(playOn);
}

on(find('play'), 'click', () => (state.playing ? pause() : play()));
when('medium', pause);
