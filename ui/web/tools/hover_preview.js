// Hover preview: the mask that a click would give, drawn while the cursor moves. One question at a time is on its way and
// the cursor's newest place comes next; where answers are slow, the preview switches itself off.

import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, view } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { drawSprite } from '../viewport/sprites.js';
import { drawOverlay, outlineWidth, overlayCanvas, overlayContext, toFrame } from '../viewport/viewport.js';
import { isInFrame, isNegative } from './geometry.js';
import { isPointerFree } from './pointer.js';
import { prompts } from './prompts.js';

const HOVER_PAUSE = 60; // milliseconds between two questions at least
const HOVER_TIMEOUT = 3000; // after which an answer counts as lost
const HOVER_TRIALS = 5;
const HOVER_SLOW = 250; // so many first answers are timed; their median tells whether it is too slow

const hoverButton = find('hover');
let preview = null; // the sprite of what a click here would give
const hoverState = { on: !fingersOnly, chosen: false, at: null, flying: null, timer: 0, seq: 0, since: 0, times: [] };

const mayHover = () =>
  hoverState.on &&
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

function stopHovering() {
  clearTimeout(hoverState.timer);
  Object.assign(hoverState, { at: null, flying: null, timer: 0 });
  if (!preview) return;
  preview = null;
  drawOverlay();
}

function schedulePreview() {
  const now = performance.now();
  const { flying } = hoverState;
  if (hoverState.timer || (flying && now - flying.since < HOVER_TIMEOUT)) return;
  hoverState.timer = setTimeout(requestPreview, Math.max(HOVER_PAUSE / 2, hoverState.since + HOVER_PAUSE - now));
}

function requestPreview() {
  const { at } = hoverState;
  const { frame, active: object } = state;
  hoverState.timer = 0;
  if (!at || !mayHover() || prompts.refusal(frame, object, at.negative)) return stopHovering();
  const prompt = prompts.withPoints(state.log.prompt(frame, object), [at.place], at.negative);
  hoverState.seq += 1;
  const { seq } = hoverState;
  if (!connection.send({ t: 'preview', seq, frame, object, prompt })) return;
  hoverState.since = performance.now();
  hoverState.flying = { seq, at, since: hoverState.since };
}

function timeHover(milliseconds) {
  if (hoverState.chosen || hoverState.times.length >= HOVER_TRIALS) return;
  hoverState.times.push(milliseconds);
  if (hoverState.times.length < HOVER_TRIALS) return;
  if ([...hoverState.times].sort((a, b) => a - b)[HOVER_TRIALS >> 1] <= HOVER_SLOW) return;
  setHover(false);
  toast('The preview under the cursor is off, because it is slow here. H turns it on.', 'hint');
}

// Filled faintly, with an outline that is dashed in black and white and so can be seen on anything.
async function drawPreviewSprite(found) {
  const sprite = await drawSprite(found, objects.color(found.id), outlineWidth());
  if (!sprite) return null;
  const dash = Math.max(1, Math.round(5 / view.scale));
  const [tile, ink] = canvasOf(2 * dash, 2 * dash);
  ink.fillStyle = '#18181b';
  ink.fillRect(0, 0, 2 * dash, 2 * dash);
  ink.fillStyle = '#fff';
  ink.fillRect(0, 0, dash, dash);
  ink.fillRect(dash, dash, dash, dash);
  const pen = sprite.edge.getContext('2d');
  pen.globalCompositeOperation = 'source-atop';
  pen.fillStyle = pen.createPattern(tile, 'repeat');
  pen.fillRect(0, 0, sprite.edge.width, sprite.edge.height);
  return sprite;
}

export function drawHoverPreview() {
  if (!preview) return;
  const { fill, edge, x, y, pad } = preview;
  overlayContext.globalAlpha = 0.3;
  overlayContext.drawImage(fill, x, y);
  overlayContext.globalAlpha = 0.9;
  overlayContext.drawImage(edge, x - pad, y - pad);
  overlayContext.globalAlpha = 1;
}

function setHover(yes) {
  hoverState.on = yes;
  hoverButton.setAttribute('aria-pressed', yes);
  if (!yes) stopHovering();
}

function toggleHover() {
  setHover(!hoverState.on);
  hoverState.chosen = true;
  announce(`Preview under the cursor is ${hoverState.on ? 'on' : 'off'}`);
  try {
    localStorage.setItem('masklet-hover', hoverState.on ? 'on' : 'off');
  } catch {
    /* storage may be forbidden */
  }
}

export function setUpHoverPreview() {
  on('server-preview', async message => {
    const { flying } = hoverState;
    if (message.seq !== flying?.seq || message.version !== state.version) return;
    timeHover(performance.now() - flying.since);
    const [found] = message.objects;
    const drawn = found ? await drawPreviewSprite(found) : null;
    if (hoverState.flying !== flying) return; // the cursor has left, or something was said
    hoverState.flying = null;
    preview = drawn;
    drawOverlay();
    if (hoverState.at !== flying.at) schedulePreview();
  });

  try {
    const chosen = localStorage.getItem('masklet-hover');
    hoverState.chosen = !!chosen;
    if (chosen) setHover(chosen === 'on' && !fingersOnly);
  } catch {
    /* storage may be forbidden */
  }

  hoverButton.hidden = fingersOnly;
  if (!fingersOnly) Object.assign(shortcuts, { h: toggleHover });
  listen(hoverButton, 'click', toggleHover);
  listen(overlayCanvas, 'pointermove', event => {
    if (event.pointerType === 'touch' || !state.medium) return;
    const place = toFrame(event);
    const isFree = isInFrame(place) && !overlayCanvas.dataset.grip; // else a click takes something away
    if (!isFree || !mayHover()) return stopHovering();
    hoverState.at = { place, negative: isNegative(event) };
    schedulePreview();
  });
  listen(overlayCanvas, 'pointerdown', stopHovering);
  listen(overlayCanvas, 'pointerleave', stopHovering);
  on('frame log objects tracking medium view connection tool', stopHovering);
}
