// Moving through a clip: to a frame, by one, by ten, by the slider, by a typed number; and the clock that says where we are.

import { isClip, timeOf } from '../core/media.js';
import { toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { clock } from '../shared/format.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { SUSPICIOUS } from './quality.js';
import { suspicionAt } from './quality_strip.js';

const scrub = find('scrub');

function updateClock() {
  if (!isClip()) return;
  scrub.value = state.frame;
  const { score, reason } = suspicionAt(state.active, state.frame);
  const doubt = score >= SUSPICIOUS ? `, ${reason}` : '';
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

export function setUpControls() {
  listen(find('frame-go'), 'click', askForFrame);
  listen(frameEntry, 'blur', () => showEntry(false));
  listen(frameEntry, 'keydown', event => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    const typed = frameEntry.value.trim();
    const number = Number(typed);
    if (event.key === 'Enter' && (!typed || !Number.isInteger(number))) {
      toast(`Type a number from 1 to ${state.medium.frames}.`, 'hint');
      return frameEntry.select();
    }
    if (event.key === 'Enter') goTo(number - 1);
    showEntry(false);
    find('frame-go').focus();
    event.preventDefault();
  });

  listen(scrub, 'input', () => {
    pause();
    goTo(Number(scrub.value));
  });
  listen(find('first'), 'click', () => {
    pause();
    goTo(0);
  });
  listen(find('last'), 'click', () => {
    pause();
    goTo(state.medium.frames - 1);
  });
  listen(find('previous'), 'click', () => {
    pause();
    goTo(state.frame - 1);
  });
  listen(find('next'), 'click', () => {
    pause();
    goTo(state.frame + 1);
  });
  listen(find('back-ten'), 'click', () => {
    pause();
    goTo(state.frame - 10);
  });
  listen(find('on-ten'), 'click', () => {
    pause();
    goTo(state.frame + 10);
  });

  on('medium', () => {
    scrub.max = Math.max(0, (state.medium?.frames ?? 1) - 1);
  });
  on('medium frame', updateClock);
}
