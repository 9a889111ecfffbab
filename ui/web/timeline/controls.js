// Moving through a clip: to a frame, by one, by ten, by the slider, by a typed number; and the clock.

import { isClip, openMedium, timeOf } from '../core/media.js';
import { toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { clock } from '../shared/format.js';
import { commas, tr } from '../shared/language.js';
import { SUSPICIOUS } from '../shared/ratings.js';
import { goTo } from './navigation.js';
import { pause } from './player.js';
import { suspicionAt } from './quality_strip.js';

const scrub = find('scrub');
const frameEntry = find('frame-entry');

function updateClock() {
  if (!isClip()) return;
  const { frames } = openMedium();
  const { score, reason } = suspicionAt(state.active, state.frame);
  scrub.valueAsNumber = state.frame;
  scrub.setAttribute(
    'aria-valuetext',
    commas([tr('frame {n} of {count}', { n: state.frame + 1, count: frames }), score >= SUSPICIOUS ? reason : '']),
  );
  find('frame-number').textContent = `${state.frame + 1}`;
  find('frame-number').style.minWidth = `${String(frames).length}ch`;
  find('frame-total').textContent = ` / ${frames}`;
  find('time').textContent = clock(timeOf(state.frame));
}

// --- typing the number of a frame ---

function openEntry() {
  pause();
  frameEntry.value = `${state.frame + 1}`;
  showEntry(true);
  frameEntry.select();
}

/** @param {boolean} open */
function showEntry(open) {
  frameEntry.hidden = !open;
  find('frame-go').classList.toggle('mk-covered', open);
  if (open) frameEntry.focus();
}

/** @param {KeyboardEvent} event */
function handleEntryKey(event) {
  if (event.key !== 'Enter' && event.key !== 'Escape') return;
  const typed = frameEntry.value.trim();
  const number = Number(typed);
  if (event.key === 'Enter' && (!typed || !Number.isInteger(number))) {
    toast(tr('Type a number from 1 to {most}.', { most: openMedium().frames }), 'hint');
    return frameEntry.select();
  }
  if (event.key === 'Enter') goTo(number - 1);
  showEntry(false);
  find('frame-go').focus();
  event.preventDefault();
}

/** @type {[button: HTMLButtonElement, target: () => number][]} */
const buttons = [
  [find('first'), () => 0],
  [find('last'), () => openMedium().frames - 1],
  [find('previous'), () => state.frame - 1],
  [find('next'), () => state.frame + 1],
  [find('back-ten'), () => state.frame - 10],
  [find('on-ten'), () => state.frame + 10],
];

export function setUpControls() {
  listen(find('frame-go'), 'click', openEntry);
  listen(frameEntry, 'blur', () => showEntry(false));
  listen(frameEntry, 'keydown', handleEntryKey);

  /** @param {number} frame */
  const pauseAt = frame => {
    pause();
    goTo(frame);
  };
  listen(scrub, 'input', () => pauseAt(scrub.valueAsNumber));
  for (const [button, target] of buttons) listen(button, 'click', () => pauseAt(target()));

  on('medium', () => {
    scrub.max = `${Math.max(0, (state.medium?.frames ?? 1) - 1)}`;
  });
  on('medium frame', updateClock);
}
