// Below the viewport: where a mask of an object looks wrong, frame by frame; where notes are; and the slider.

import { contextOf } from '../../../../ui/web/shared/canvas.js';
import { blend } from '../../../../ui/web/shared/color.js';
import { make } from '../../../../ui/web/shared/elements.js';
import { on } from '../../../../ui/web/shared/events.js';
import { clock } from '../../../../ui/web/shared/format.js';
import { REASONS, ratingWord, SUSPICIOUS } from '../../../../ui/web/shared/ratings.js';
import { oncePerFrame } from '../../../../ui/web/shared/refresh.js';
import { clamp } from '../../../../ui/web/shared/values.js';
import { pinColor } from './notes.js';
import { about, factsOf, find, isClip, listen, shots, state, times } from './page.js';
import { goTo, pause } from './player.js';
import { review } from './saved.js';

const STRIPS_HEIGHT = 96; // CSS pixels for all strips, if they are not too many
const GAP = about.objects.length > 6 ? 1 : 3;
const ROW = clamp(Math.floor(STRIPS_HEIGHT / Math.max(1, about.objects.length)) - GAP, 5, 14);
const DOT = Math.min(3, ROW / 2);
const THUMB = 14; // the slider's thumb: its centre stays half of it away from the ends
const STEPS = 16;
const MIN_BAR = 2.5; // heights of a bar; CSS pixels where there is no doubt

const scrub = find('scrub');
const tracks = find('tracks');
const strip = find('heat');
const hint = find('hint');

/**
 * 0 where nothing looks wrong, 1 where it looks very wrong.
 * @param {MaskFacts} facts
 */
const doubtOf = ({ warnings }) => warnings?.[0]?.score ?? 0;

const timelineWidth = () => tracks.clientWidth;
const spread = () => (timelineWidth() - THUMB) / Math.max(1, shots.length - 1);
/** @param {number} place */
const xOf = place => THUMB / 2 + place * spread();

function drawStrip() {
  if (!isClip || !timelineWidth()) return;
  const ratio = window.devicePixelRatio || 1;
  const high = about.objects.length * (ROW + GAP);
  const ink = contextOf(strip);
  Object.assign(strip, { width: Math.round(timelineWidth() * ratio), height: Math.round(Math.max(1, high) * ratio) });
  strip.style.height = `${high}px`;
  ink.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const colors = ['calm', 'warm', 'hot'].map(name => style.getPropertyValue(`--${name}`).trim());
  about.objects.forEach(({ id, color }, row) => {
    ink.globalAlpha = state.hidden.has(id) ? 0.35 : 1;
    drawRow(ink, id, row * (ROW + GAP), colors, style.getPropertyValue('--line'));
    ink.fillStyle = color;
    ink.beginPath();
    ink.arc(DOT, row * (ROW + GAP) + ROW - DOT, DOT, 0, 7);
    ink.fill();
  });
}

/**
 * A bar for each frame; frames that share a pixel share a bar, of the worst.
 * @param {CanvasRenderingContext2D} ink
 * @param {number} id
 * @param {number} top
 * @param {string[]} colors
 * @param {string} quiet the color of the line below
 */
function drawRow(ink, id, top, colors, quiet) {
  ink.fillStyle = quiet;
  ink.fillRect(THUMB / 2, top + ROW - 1, timelineWidth() - THUMB, 1);
  const together = Math.max(1, Math.floor(1 / spread()));
  const wide = Math.max(1, together * spread());
  for (let first = 0; first < shots.length; first += together) {
    const places = Array.from({ length: Math.min(together, shots.length - first) }, (_, ahead) => first + ahead);
    const known = places.flatMap(place => factsOf(id, place) ?? []).filter(facts => facts.area);
    if (!known.length) continue;
    const doubt = Math.round(Math.max(...known.map(doubtOf)) * STEPS) / STEPS;
    const height = MIN_BAR + doubt * (ROW - MIN_BAR);
    const left = Math.max(THUMB / 2, xOf(first) - spread() / 2);
    ink.fillStyle = blend(colors, doubt);
    ink.fillRect(left, top + ROW - height, Math.min(wide, timelineWidth() - THUMB / 2 - left) + 0.3, height);
  }
}

function drawFlags() {
  find('flags').replaceChildren(
    ...review.notes.map(note => {
      const flag = make('i', 'flag');
      flag.style.transform = `translateX(${xOf(shots.indexOf(note.frame))}px) rotate(-45deg)`;
      flag.style.setProperty('--pin', pinColor(note));
      return flag;
    }),
  );
}

// --- pointers ---

/** @type {number | null} the pointer that is down */
let held = null;

/** @param {PointerEvent} event */
const placeUnder = event => {
  const x = event.clientX - tracks.getBoundingClientRect().left;
  return clamp(Math.round((x - THUMB / 2) / spread()), 0, shots.length - 1);
};

/** @param {PointerEvent} event */
const scrubTo = event => {
  pause();
  goTo(placeUnder(event));
};

/**
 * What lies under the pointer, in words.
 * @param {PointerEvent} event
 */
function showHint(event) {
  const place = placeUnder(event);
  const row = Math.floor((event.clientY - strip.getBoundingClientRect().top) / (ROW + GAP));
  const object = about.objects[row];
  const notes = review.notes.filter(note => note.frame === shots[place]);
  const words = [`Frame ${shots[place] + 1}`, clock(times[place])];
  if (object) words.push(object.name, describe(object.id, place));
  if (notes.length) words.push(notes[0].text);
  hint.textContent = words.join(' · ');
  hint.hidden = false;
  const most = Math.max(0, timelineWidth() - hint.offsetWidth);
  hint.style.transform = `translateX(${clamp(xOf(place) - hint.offsetWidth / 2, 0, most)}px)`;
}

/**
 * @param {number} id
 * @param {number} place
 */
export function describe(id, place) {
  const facts = factsOf(id, place);
  if (!facts) return 'not looked for';
  const [worst] = facts.warnings ?? [];
  const words = [facts.area ? ratingWord(facts) : 'not in sight'];
  if (facts.area && worst && worst.score >= SUSPICIOUS) words.push(REASONS[worst.kind]);
  return words.join(', ');
}

const updatePlayhead = oncePerFrame(() => {
  find('playhead').style.transform = `translateX(${xOf(state.place)}px)`;
});

export function setUpTimeline() {
  listen(
    tracks,
    'pointerdown',
    /** @param {PointerEvent} event */ event => {
      if (event.button) return;
      held = event.pointerId;
      tracks.setPointerCapture(held);
      scrubTo(event);
    },
  );
  listen(
    tracks,
    'pointermove',
    /** @param {PointerEvent} event */ event => {
      if (held === event.pointerId) scrubTo(event);
      if (event.pointerType !== 'touch') showHint(event);
    },
  );
  for (const type of ['pointerup', 'pointercancel'])
    listen(tracks, type, () => {
      held = null;
    });
  listen(tracks, 'pointerleave', () => {
    hint.hidden = true;
  });
  listen(scrub, 'input', () => {
    pause();
    goTo(Number(scrub.value));
  });
  scrub.max = String(shots.length - 1);
  on('frame', updatePlayhead);
  on('look', oncePerFrame(drawStrip));
  on('notes', oncePerFrame(drawFlags));
  new ResizeObserver(() => {
    drawStrip();
    drawFlags();
    updatePlayhead();
  }).observe(tracks);
  listen(matchMedia('(prefers-color-scheme: dark)'), 'change', drawStrip);
}
