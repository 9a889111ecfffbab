// Places to check, in the review tab: frames of a clip that look wrong, and poor masks of photos. The badge of the tab counts
// them together with the notes of reviewers that are open.

import { frameName, isClip } from '../core/media.js';
import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find } from '../core/page.js';
import { ratedMask } from '../core/provenance.js';
import { notesOf } from '../core/reviews.js';
import { state } from '../core/store.js';
import { make, makeButton, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { plural, tr } from '../shared/language.js';
import { goTo } from '../timeline/navigation.js';
import { describeAllChecks, showSuspicious, suspiciousPlaces, wasSeen } from '../timeline/quality_strip.js';
import { masks } from '../viewport/masks.js';

const DELAY = 300; // milliseconds between two looks at all masks, of which there may be many
const MAX_LISTED = 200;
const TEXTS = {
  poor: tr('poor mask'),
  nothing: tr('Nothing to check yet.'),
  fine: tr('No mask is rated poor.'),
  seen: tr('All places were looked at.'),
  badge: (/** @type {number} */ count) => plural(count, '{n} place to check', '{n} places to check'),
};

const list = find('places');
const badge = find('check-count');
let timer = 0;
let shown = '';

/** @typedef {{ object: number; frame: number; reason: string }} Place */

/** @returns {Place[]} */
function poorMasks() {
  const places = [];
  for (let frame = 0; frame < masks.length; frame += 1)
    for (const object of objects.listed) {
      const facts = masks.facts(object, frame);
      if (facts?.area && ratedMask(object, frame, facts).rating === 'poor')
        places.push({ object, frame, reason: TEXTS.poor });
    }
  return places;
}

/**
 * Poor masks of photos stay places until they are better.
 * @param {Place} place
 */
const isDone = place => isClip() && wasSeen(place);

/** @param {Place} place */
function show({ object, frame, reason }) {
  if (isClip()) return showSuspicious(object, frame);
  if (object !== state.active) objects.select(object);
  goTo(frame);
  announce(`${objects.trait(object).name}: ${reason}`);
}

/** @param {Place} place */
function placeItem(place) {
  const item = make('li');
  const button = makeButton('mk-place', '', () => show(place));
  const { name, color } = objects.trait(place.object);
  button.classList.toggle('mk-is-seen', isDone(place));
  const dot = make('i', 'mk-place-dot');
  dot.style.background = color;
  const facts = [place.reason, frameName(place.frame)].filter(Boolean).join(' · ');
  button.append(dot, make('b', '', name), make('span', '', facts));
  item.append(button);
  return item;
}

function summary() {
  if (isClip()) return describeAllChecks();
  return masks.any() ? TEXTS.fine : TEXTS.nothing;
}

function updatePlaces() {
  if (!state.medium) return;
  const places = isClip() ? suspiciousPlaces() : poorMasks();
  const open = notesOf(state.reviews).filter(({ done }) => !done).length;
  const unseen = places.filter(place => !isDone(place)).length;
  const count = unseen + open;
  badge.hidden = !count;
  badge.textContent = `${count}`;
  badge.title = TEXTS.badge(count);
  const listed = places.slice(0, MAX_LISTED);
  const key = JSON.stringify([state.version, listed.map(each => [each, isDone(each), objects.trait(each.object)])]);
  showText(find('places-text'), unseen ? TEXTS.badge(unseen) : places.length ? TEXTS.seen : summary());
  if (key === shown) return;
  shown = key;
  const focused = [...list.children].findIndex(item => item.contains(document.activeElement));
  list.replaceChildren(...listed.map(placeItem));
  if (focused >= 0) list.querySelectorAll('button')[Math.min(focused, listed.length - 1)]?.focus();
}

function updateSoon() {
  if (timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    updatePlaces();
  }, DELAY);
}

export function setUpPlaces() {
  on('medium masks log objects reviews checked', updateSoon);
}
