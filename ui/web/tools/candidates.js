// The candidates of an ambiguous click, as thumbnails to pick from. They are shown until the prompt, the frame or the selected
// object changes.

/** @import { PromptData } from '../protocol.js' */

import { frameSize } from '../core/media.js';
import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, view } from '../core/store.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { commas, plural, sentences, tr } from '../shared/language.js';
import { explainRating, ratingWord, showRating } from '../shared/ratings.js';
import { frames } from '../viewport/frames.js';
import { POINT_RADIUS } from '../viewport/markers.js';
import { drawPart, drawSprite, partAround } from '../viewport/sprites.js';
import { overlayCanvas, viewport } from '../viewport/viewport.js';
import { isSinglePoint } from './prompt_edits.js';
import { prompts } from './prompts.js';
import { unionOf } from './shapes.js';

/**
 * @typedef {NonNullable<PromptData['choice']>} Choice
 * @typedef {object} Candidates
 * @property {string} key the click, as in `clickKey`
 * @property {number} frame
 * @property {number} object
 * @property {string} color in which the thumbnails are drawn
 * @property {(CandidateMask & { choice: Choice })[]} masks from small to large
 * @property {Choice | undefined} picked
 */

const strip = find('candidates');
const THUMBNAIL_WIDTH = 96;
const THUMBNAIL_HEIGHT = 72; // CSS pixels, as in candidates.css
/** @type {Candidates | null} */
let candidates = null;
let dismissedKey = '';

const buttons = Array.from({ length: 4 }, () => {
  const button = make('button', 'mk-candidate');
  const thumbnail = make('canvas');
  const label = make('span');
  button.type = 'button';
  button.setAttribute('role', 'radio');
  Object.assign(thumbnail, { width: 2 * THUMBNAIL_WIDTH, height: 2 * THUMBNAIL_HEIGHT });
  button.append(thumbnail, label);
  return { button, thumbnail, label };
});

/**
 * Identifies the click that is all of the object's prompt on the frame; '' where there is more than one click, or none.
 * @param {number} frame
 * @param {number} object
 */
function clickKey(frame, object) {
  const prompt = state.log.prompt(frame, object);
  return isSinglePoint(prompt) ? `${frame}/${object}/${prompt.points?.[0]}` : '';
}

/** @param {Candidates} of */
const isCurrent = ({ key, frame, object }) =>
  state.frame === frame && state.active === object && !state.playing && clickKey(frame, object) === key;

function updateCandidates() {
  if (!candidates || !isCurrent(candidates)) return closeStrip();
  const { masks, picked, object } = candidates;
  const wasHidden = strip.hidden;
  strip.hidden = false;
  if (wasHidden) emit('docked'); // which takes room from the list of objects
  for (const [place, { button, label }] of buttons.entries()) {
    const mask = masks[place];
    button.hidden = !mask;
    if (!mask) continue;
    showRating(label, mask);
    button.title = sentences(tr('Take this mask (Q).'), explainRating(mask));
    button.setAttribute(
      'aria-label',
      commas([tr('Mask {n} of {count}', { n: place + 1, count: masks.length }), ratingWord(mask)]),
    );
  }
  markChosen(
    buttons.map(({ button }) => button),
    button => masks[buttons.findIndex(each => each.button === button)]?.choice === picked,
  );
  placeStrip();
  const color = objects.color(object);
  if (color !== candidates.color) drawThumbnails(Object.assign(candidates, { color }));
}

function closeStrip() {
  candidates = null;
  if (strip.hidden) return;
  if (strip.contains(document.activeElement)) overlayCanvas.focus({ preventScroll: true });
  strip.hidden = true;
}

export function dismissCandidates() {
  dismissedKey = candidates?.key ?? dismissedKey;
  closeStrip();
}

const isWide = matchMedia('(min-width: 901px)');

/** Beside the picture where there is room, else over it. */
function dockStrip() {
  (isWide.matches ? find('candidates-dock') : viewport).append(strip);
  placeStrip();
}

/** Over the picture: at the bottom of the viewport, or at its top where it would cover the click. */
function placeStrip() {
  const point = candidates && state.log.prompt(candidates.frame, candidates.object).points?.[0];
  if (!point) return;
  strip.classList.remove('mk-at-top');
  if (isWide.matches) return;
  const [box, frame] = [strip.getBoundingClientRect(), viewport.getBoundingClientRect()];
  const [x, y] = [frame.left + view.x + point[0] * view.scale, frame.top + view.y + point[1] * view.scale];
  const isBeside = x < box.left - 2 * POINT_RADIUS || x > box.right + 2 * POINT_RADIUS;
  const isAbove = y < box.top - 2 * POINT_RADIUS;
  strip.classList.toggle('mk-at-top', !isBeside && !isAbove);
}

/** @param {number} place */
function pick(place) {
  if (!candidates) return;
  const { frame, object, masks, picked } = candidates;
  const { choice } = masks[place];
  if (choice === picked) return;
  candidates.picked = choice;
  prompts.set(frame, object, { ...state.log.prompt(frame, object), choice });
  announce(buttons[place].button.getAttribute('aria-label') ?? '');
}

/** @param {number} step */
function pickNext(step) {
  if (!candidates) return;
  const { masks, picked } = candidates;
  const place = masks.findIndex(mask => mask.choice === picked);
  pick((place + step + masks.length) % masks.length);
}

/** @param {Candidates} shown */
async function drawThumbnails(shown) {
  const { frame, masks, color } = shown;
  const size = frameSize(frame);
  const part = partAround(unionOf(masks.map(({ place }) => place)), size, THUMBNAIL_WIDTH / THUMBNAIL_HEIGHT);
  const [bitmap, ...sprites] = await Promise.all([frames.get(frame), ...masks.map(mask => drawSprite(mask, color))]);
  if (candidates !== shown) return;
  for (const [place, sprite] of sprites.entries())
    if (sprite) drawPart(buttons[place].thumbnail, bitmap, sprite, size, part);
}

/** @param {MasksMessage} message */
function showCandidates({ version, frame, object, objects: records }) {
  const record = records.find(({ id }) => id === object);
  if (version !== state.version || !object || !record) return;
  const key = clickKey(frame, object);
  const choices = (record.candidates ?? []).map((mask, choice) => ({
    ...mask,
    choice: /** @type {Choice} */ (choice),
  }));
  const visible = choices.filter(mask => mask.area).sort((a, b) => a.area - b.area);
  if (!key || key === dismissedKey || visible.length < 2) return;
  const own = choices.find(mask => mask.area === record.area && mask.predicted_iou === record.predicted_iou);
  const wanted = state.log.prompt(frame, object).choice; // of another network, which may have had more candidates
  const picked = (choices.find(mask => mask.choice === wanted) ?? own)?.choice;
  const isNew = candidates?.key !== key;
  candidates = { key, frame, object, color: '', masks: visible, picked };
  updateCandidates();
  if (isNew && candidates)
    announce(
      sentences(
        plural(visible.length, 'This click may mean {n} mask.', 'This click may mean {n} masks.'),
        fingersOnly ? tr('Pick one below.') : tr('Q takes the next one.'),
      ),
    );
}

export function setUpCandidates() {
  const list = find('candidate-list');
  list.append(...buttons.map(({ button }) => button));
  dockStrip();
  listen(isWide, 'change', dockStrip);

  on('server-masks', showCandidates);

  Object.assign(shortcuts, { q: (/** @type {KeyboardEvent} */ event) => pickNext(event.shiftKey ? -1 : 1) });

  for (const [place, { button }] of buttons.entries()) listen(button, 'click', () => pick(place));
  listen(find('candidates-close'), 'click', dismissCandidates);
  makeRoving(list);
  on('log frame objects tracking medium', updateCandidates);
  on('view', placeStrip);
  on('medium', () => {
    dismissedKey = '';
  });
}
