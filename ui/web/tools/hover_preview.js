// Hover preview: the mask that a click would give, drawn while the pointer moves. One request is in flight at a time and the
// newest position comes next; where responses are slow, the preview switches itself off.

/** @typedef {{ position: Position; negative: boolean }} Target */

import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, fingersOnly, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, view } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { drawFill, drawSprite } from '../viewport/sprites.js';
import { drawOverlay, outlineWidth, overlayCanvas, overlayContext, toFrame } from '../viewport/viewport.js';
import { isInFrame, isNegative } from './geometry.js';
import { isPointerFree } from './pointer.js';
import { withPoints } from './prompt_edits.js';
import { prompts } from './prompts.js';

const MIN_INTERVAL = 60; // milliseconds between two requests
const TIMEOUT = 3000; // milliseconds after which a response counts as lost
const TRIALS = 5; // how many first responses are timed
const MAX_LATENCY = 250; // milliseconds, their median

const DASH = 5; // CSS pixels
const hoverButton = find('hover');
const hover = {
  on: !fingersOnly,
  isChosen: false, // the user has switched it, so it does not switch itself off
  /** @type {Target | null} what the pointer is over */
  target: null,
  /** @type {{ seq: number; target: Target; since: number } | null} */
  inFlight: null,
  timer: 0,
  seq: 0,
  lastRequest: 0, // time of it
  /** @type {number[]} milliseconds of the first responses */
  latencies: [],
  /** @type {Sprite | null} */
  sprite: null,
};

const mayPreview = () =>
  hover.on &&
  state.ready &&
  state.medium &&
  connection.status === 'on' &&
  !connection.inFlight &&
  !connection.queue.length &&
  state.tool === 'point' &&
  isPointerFree() &&
  !state.crosshair &&
  !state.playing &&
  !state.tracking &&
  state.shown.frame === state.frame;

function stopPreview() {
  clearTimeout(hover.timer);
  Object.assign(hover, { target: null, inFlight: null, timer: 0 });
  if (!hover.sprite) return;
  hover.sprite = null;
  drawOverlay();
}

function schedulePreview() {
  const now = performance.now();
  if (hover.timer || (hover.inFlight && now - hover.inFlight.since < TIMEOUT)) return;
  hover.timer = setTimeout(requestPreview, Math.max(MIN_INTERVAL / 2, hover.lastRequest + MIN_INTERVAL - now));
}

function requestPreview() {
  const { target } = hover;
  const { frame, active: object } = state;
  hover.timer = 0;
  if (!target || !mayPreview() || prompts.refusal(frame, object, target.negative)) return stopPreview();
  const prompt = withPoints(state.log.prompt(frame, object), [target.position], target.negative, about.max_points);
  hover.seq += 1;
  const { seq } = hover;
  if (!connection.send({ t: 'preview', seq, frame, object, prompt })) return;
  hover.lastRequest = performance.now();
  hover.inFlight = { seq, target, since: hover.lastRequest };
}

/** @param {number} latency */
function recordLatency(latency) {
  const { latencies } = hover;
  if (hover.isChosen || latencies.length >= TRIALS) return;
  latencies.push(latency);
  if (latencies.length < TRIALS || [...latencies].sort((a, b) => a - b)[TRIALS >> 1] <= MAX_LATENCY) return;
  setHover(false);
  toast(tr('The preview under the cursor is off, because it is slow here. H turns it on.'), 'hint');
}

/** The outline is dashed in black and white, which is visible on anything. */
export function drawHoverPreview() {
  if (!hover.sprite) return;
  const { path } = hover.sprite;
  const dash = DASH / view.scale;
  overlayContext.globalAlpha = 0.3;
  drawFill(overlayContext, hover.sprite);
  overlayContext.globalAlpha = 0.9;
  Object.assign(overlayContext, { strokeStyle: '#18181b', lineWidth: outlineWidth(), lineJoin: 'round' });
  overlayContext.stroke(path);
  overlayContext.setLineDash([dash, dash]);
  overlayContext.strokeStyle = '#fff';
  overlayContext.stroke(path);
  overlayContext.setLineDash([]);
  overlayContext.globalAlpha = 1;
}

/** @param {boolean} isOn */
function setHover(isOn) {
  hover.on = isOn;
  hoverButton.setAttribute('aria-pressed', String(isOn));
  if (!isOn) stopPreview();
}

function toggleHover() {
  setHover(!hover.on);
  hover.isChosen = true;
  announce(hover.on ? tr('Preview under the cursor is on') : tr('Preview under the cursor is off'));
  saveSetting('masklet-hover', hover.on ? 'on' : 'off');
}

/** @param {PageEvents['server-preview']} message */
async function showPreview({ seq, version, objects: [record] }) {
  const { inFlight } = hover;
  if (seq !== inFlight?.seq || version !== state.version) return;
  recordLatency(performance.now() - inFlight.since);
  const sprite = record ? await drawSprite(record, objects.color(record.id)) : null;
  if (hover.inFlight !== inFlight) return; // stopped meanwhile
  hover.inFlight = null;
  hover.sprite = sprite;
  drawOverlay();
  if (hover.target !== inFlight.target) schedulePreview();
}

export function setUpHoverPreview() {
  on('server-preview', showPreview);

  const saved = loadSetting('masklet-hover');
  hover.isChosen = !!saved;
  if (saved) setHover(saved === 'on' && !fingersOnly);

  hoverButton.hidden = fingersOnly;
  if (!fingersOnly) Object.assign(shortcuts, { h: toggleHover });
  listen(hoverButton, 'click', toggleHover);
  listen(overlayCanvas, 'pointermove', event => {
    if (event.pointerType === 'touch' || !state.medium) return;
    const position = toFrame(event);
    const isFree = isInFrame(position) && !overlayCanvas.dataset.grip; // on a grip, a click removes something
    if (!isFree || !mayPreview()) return stopPreview();
    hover.target = { position, negative: isNegative(event) };
    schedulePreview();
  });
  listen(overlayCanvas, 'pointerdown', stopPreview);
  listen(overlayCanvas, 'pointerleave', stopPreview);
  on('frame log objects tracking medium view connection tool', stopPreview);
}
