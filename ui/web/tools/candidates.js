// A single click may mean a thing, a part of it, or what it is part of: the masks it may mean, as small pictures to pick
// from. They are there until something else is said or looked at.

import { frameSize } from '../core/media.js';
import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, view } from '../core/store.js';
import { make } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { frames } from '../viewport/frames.js';
import { MARKER } from '../viewport/markers.js';
import { drawPart, drawSprite, partAround } from '../viewport/sprites.js';
import { overlayCanvas, viewport } from '../viewport/viewport.js';
import { prompts } from './prompts.js';

const candidateStrip = find('candidates');
const THUMB_WIDE = 96;
const THUMB_HIGH = 72; // CSS pixels, as in candidates.css
let candidates = null; // {key, frame, object, color, masks: [{choice, predicted_iou, area, place, png}], picked}
let dismissed = ''; // the key of the last one that was sent away

const candidateButtons = Array.from({ length: 3 }, () => {
  const button = make('button', 'mk-reading');
  const picture = make('canvas');
  Object.assign(button, { type: 'button', title: 'Take this mask (Q)' });
  button.setAttribute('role', 'radio');
  Object.assign(picture, { width: 2 * THUMB_WIDE, height: 2 * THUMB_HIGH });
  button.append(picture, make('span'));
  return button;
});

// What is asked about: the one click that the object has on this frame.
function askedAbout(frame, object) {
  const { choice, ...said } = state.log.prompt(frame, object);
  return said.points?.length === 1 && Object.keys(said).length === 1 ? `${frame}/${object}/${said.points[0]}` : '';
}

function updateCandidates() {
  if (
    candidates &&
    (state.frame !== candidates.frame ||
      state.active !== candidates.object ||
      state.playing ||
      askedAbout(candidates.frame, candidates.object) !== candidates.key)
  )
    candidates = null;
  if (!candidates) return closeStrip();
  candidateStrip.hidden = false;
  candidateButtons.forEach((button, place) => {
    const mask = candidates.masks[place];
    const picked = mask?.choice === candidates.picked;
    button.hidden = !mask;
    if (!mask) return;
    const fit = `${Math.round(100 * clamp(mask.predicted_iou, 0, 1))}%`;
    button.lastChild.textContent = fit;
    button.setAttribute('aria-label', `Mask ${place + 1} of ${candidates.masks.length}, fit ${fit}`);
    button.setAttribute('aria-checked', picked);
    button.tabIndex = picked ? 0 : -1;
  });
  placeStrip();
  const color = objects.color(candidates.object);
  if (color !== candidates.color) drawCandidates(Object.assign(candidates, { color }));
}

function closeStrip() {
  if (candidateStrip.hidden) return;
  if (candidateStrip.contains(document.activeElement)) overlayCanvas.focus({ preventScroll: true });
  candidateStrip.hidden = true;
}

export function dismissCandidates() {
  dismissed = candidates?.key ?? dismissed;
  candidates = null;
  closeStrip();
}

// At the bottom of the stage, or at its top where it would lie over the click.
function placeStrip() {
  if (!candidates) return;
  const [x, y] = state.log.prompt(candidates.frame, candidates.object).points[0];
  const room = 2 * MARKER + 12;
  const beside = Math.abs(view.x + x * view.scale - viewport.clientWidth / 2) > candidateStrip.offsetWidth / 2 + room;
  const above = view.y + y * view.scale < viewport.clientHeight - candidateStrip.offsetHeight - room;
  candidateStrip.classList.toggle('mk-at-top', !beside && !above);
}

function pick(choice) {
  if (!candidates || choice === candidates.picked) return;
  const { frame, object } = candidates;
  const place = candidates.masks.findIndex(mask => mask.choice === choice);
  candidates.picked = choice;
  prompts.set(frame, object, { ...state.log.prompt(frame, object), choice });
  announce(candidateButtons[place].getAttribute('aria-label'));
}

function pickNext(step) {
  if (!candidates) return;
  const place = candidates.masks.findIndex(mask => mask.choice === candidates.picked);
  const count = candidates.masks.length;
  pick(candidates.masks[(place + step + count) % count].choice);
}

// The place of all of the masks together.
function placeOfAll(found) {
  const left = Math.min(...found.map(({ place }) => place[0]));
  const right = Math.max(...found.map(({ place }) => place[0] + place[2]));
  const top = Math.min(...found.map(({ place }) => place[1]));
  const bottom = Math.max(...found.map(({ place }) => place[1] + place[3]));
  return [left, top, right - left, bottom - top];
}

async function drawCandidates(shownOffer) {
  const { frame, masks: found, color } = shownOffer;
  const size = frameSize(frame);
  const part = partAround(placeOfAll(found), size, THUMB_WIDE / THUMB_HIGH);
  const outline = (3 * part[2]) / (2 * THUMB_WIDE);
  const [bitmap, ...sprites] = await Promise.all([
    frames.get(frame),
    ...found.map(mask => drawSprite(mask, color, outline)),
  ]);
  if (candidates !== shownOffer) return;
  for (const [place, sprite] of sprites.entries())
    drawPart(candidateButtons[place].firstChild, bitmap, sprite, size, part);
}

export function setUpCandidates() {
  find('readings').append(...candidateButtons);

  on('server-masks', message => {
    if (message.version !== state.version || !message.object) return;
    const { frame, object } = message;
    const found = message.objects.find(each => each.id === object);
    const key = askedAbout(frame, object);
    const possible = (found?.candidates ?? []).map((mask, choice) => ({ ...mask, choice }));
    const visible = possible.filter(mask => mask.area).sort((a, b) => a.area - b.area);
    if (!key || key === dismissed || visible.length < 2) return;
    const own = possible.findIndex(mask => mask.area === found.area && mask.predicted_iou === found.predicted_iou);
    const isNew = candidates?.key !== key;
    candidates = {
      key,
      frame,
      object,
      color: '',
      masks: visible,
      picked: state.log.prompt(frame, object).choice ?? own,
    };
    updateCandidates();
    if (isNew && candidates)
      announce(
        `This click may mean ${visible.length} masks. ${fingersOnly ? 'Pick one below.' : 'Q takes the next one.'}`,
      );
  });

  Object.assign(shortcuts, { q: event => pickNext(event.shiftKey ? -1 : 1) });

  for (const [place, button] of candidateButtons.entries()) {
    listen(button, 'click', () => pick(candidates.masks[place].choice));
  }
  listen(find('candidates-close'), 'click', dismissCandidates);
  listen(find('readings'), 'keydown', event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !candidates) return;
    event.preventDefault();
    pickNext(step);
    candidateButtons.find(button => button.getAttribute('aria-checked') === 'true')?.focus();
  });
  on('log frame objects tracking medium', updateCandidates);
  on('view', placeStrip);
  on('medium', () => {
    dismissed = '';
  });
}
