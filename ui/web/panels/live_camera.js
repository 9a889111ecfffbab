// The live camera: a dialog in which clicks select things in the running picture, and their masks follow. One frame is in
// flight at a time; those that the camera delivers meanwhile are dropped, so that nothing ever waits.

import { mount } from '../core/mount.js';
import { announce } from '../core/notices.js';
import { about, find, listen } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { sendFrame } from '../net/live_frames.js';
import { Refused } from '../net/refusal.js';
import { canvasOf, contextOf } from '../shared/canvas.js';
import { iconButton, make, makeButton, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { number, plural, sentences, tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { openFile } from '../storage/open_files.js';
import { drawFill, drawOutline } from '../viewport/sprites.js';
import { closeStream, NoCamera, openStream } from './camera_stream.js';
import { LiveObjects } from './live_objects.js';

/** @import { LiveRequest } from '../protocol.js' */

const JPEG_QUALITY = 0.8;
const RETRY_DELAY = 400; // milliseconds until the server is asked again
const PACE_WINDOW = 2000; // milliseconds over which frames per second are counted
const MIN_BOX = 6; // CSS pixels; a shorter drag is a click
const OPACITY = 0.5;
const OUTLINE_WIDTH = 2; // CSS pixels
const LOST_CONNECTION = tr('The connection to the server was lost. It goes on as soon as it is back.');

const dialog = find('stream-dialog');
const video = find('stream-video');
const canvas = find('stream-canvas');
const objects = new LiveObjects();

/** @typedef {{ frame: number; picture: HTMLCanvasElement | null }} LiveFrame */
/** @type {LiveFrame} */
const NOTHING = { frame: -1, picture: null };
/** The frame that came back last. */
let newest = NOTHING;
/** The frame that is on the canvas, with its masks. */
let shown = { ...NOTHING, sprites: /** @type {Sprite[]} */ ([]) };
let isDecoding = false; // the masks of a frame
let isOutdated = false; // what is on the canvas
/** @type {AbortController | null} of the frames that are being sent; null while the camera is off */
let running = null;
/** @type {Size | null} of the frames that the server takes; null where it does not know of the camera */
let started = null;
let rate = 30; // frames a second that the server takes
/** @type {(isStarted: boolean) => void} */
let settleStart = () => {};
/** @type {{ at: number; latency: number }[]} the last answers */
let answers = [];
/** @type {{ start: Position; end: Position } | null} the box that is being drawn */
let drag = null;

/** @param {number} delay in milliseconds */
const wait = delay => new Promise(resolve => setTimeout(resolve, delay));

/** @param {LiveRequest} request */
const send = request => connection.send(request);

/**
 * @param {string} text over the picture; '' hides it
 * @param {boolean} [canResume]
 */
function showNote(text, canResume = false) {
  if (text && text !== find('stream-text').textContent) announce(text);
  find('stream-text').textContent = text;
  find('stream-resume').hidden = !canResume;
  find('stream-note').hidden = !text;
}

/** @param {string} text below the picture */
const showHint = text => showText(find('stream-hint'), text);

const DEFAULT_HINT = tr('Click on a thing to follow it, drag a box around it; right-click takes away.');

// --- on and off ---

function openDialog() {
  objects.clear();
  started = null;
  showHint(DEFAULT_HINT);
  dialog.showModal();
  drawObjects();
  turnOn();
}

async function turnOn() {
  showNote(tr('Waiting for the camera…'));
  const run = new AbortController();
  running = run;
  try {
    const side = about.max_live_side;
    const stream = await openStream(video, { width: { ideal: side }, height: { ideal: (side * 3) / 4 } });
    if (running !== run) return running || closeStream(video);
    for (const track of stream.getTracks()) {
      track.onended = () => pause(tr('The camera was disconnected. Connect it and go on.'));
    }
    answers = [];
    await sendFrames(run);
  } catch (error) {
    if (running === run) pause(error instanceof NoCamera || error instanceof Refused ? error.message : LOST_CONNECTION);
  }
}

function turnOff() {
  running?.abort();
  running = null;
  settleStart(false);
  closeStream(video);
  showPace();
}

/** @param {string} text why the camera is off, and can be turned on again */
function pause(text) {
  if (!running) return;
  turnOff();
  showNote(text, true);
}

function closed() {
  turnOff();
  if (started) send({ t: 'live_stop' });
  started = null;
  objects.clear();
  newest = NOTHING;
  shown = { ...NOTHING, sprites: [] };
  contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
}

// --- frames ---

/** Browsers that do not tell of the camera's pictures have one at each refresh of the screen. */
const onPicture = (/** @type {() => void} */ act) =>
  'requestVideoFrameCallback' in video ? video.requestVideoFrameCallback(act) : requestAnimationFrame(act);

/**
 * Waits until the camera has another picture than at the last call.
 * @param {AbortController} run
 */
function pictureSource(run) {
  let isNew = false;
  let arrived = () => {};
  const watch = () => {
    if (running !== run) return;
    isNew = true;
    arrived();
    onPicture(watch);
  };
  onPicture(watch);
  return async () => {
    if (!isNew) await new Promise(resolve => (arrived = () => resolve(undefined)));
    isNew = false;
  };
}

/** @returns {Size} */
function frameSize() {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, about.max_live_side / Math.max(videoWidth, videoHeight, 1));
  return { width: Math.round(videoWidth * scale), height: Math.round(videoHeight * scale) };
}

/** @param {AbortController} run */
async function sendFrames(run) {
  const nextPicture = pictureSource(run);
  while (running === run) {
    await nextPicture();
    if (running !== run) return;
    if (!(await isServerReady())) {
      await wait(RETRY_DELAY);
      continue;
    }
    const since = performance.now();
    await sendPicture(run);
    await wait(Math.max(0, 1000 / rate - (performance.now() - since)));
  }
}

/** Whether the server takes frames of the present size; starts the camera there where it does not know of it. */
async function isServerReady() {
  const size = frameSize();
  if (!size.width || !size.height) return false;
  if (connection.status !== 'on' || !state.ready) {
    showNote(connection.status === 'on' ? tr('The model is still loading…') : LOST_CONNECTION);
    return false;
  }
  if (started && (started.width !== size.width || started.height !== size.height)) {
    if (objects.byId.size) showHint(tr('The camera’s picture has another size now. Click on the things again.'));
    objects.clear();
    drawObjects();
    started = null;
  }
  return !!started || startOnServer(size);
}

/** @param {Size} size */
async function startOnServer(size) {
  const answer = new Promise(resolve => {
    settleStart = resolve;
  });
  if (!send({ t: 'live_start', ...size }) || !(await answer)) return false;
  started = size;
  [canvas.width, canvas.height] = [size.width, size.height];
  return true;
}

/** @param {AbortController} run */
async function sendPicture(run) {
  const { width, height } = /** @type {Size} */ (started);
  const [picture, context] = canvasOf(width, height);
  context.drawImage(video, 0, 0, width, height);
  const since = performance.now();
  const jpeg = await new Promise(resolve => picture.toBlob(resolve, 'image/jpeg', JPEG_QUALITY));
  const event = jpeg && (await receiveMasks(jpeg, run));
  if (!event || running !== run) return;
  showNote('');
  if (event.is_first) await setAgain(event.frame);
  objects.take(event);
  newest = { frame: event.frame, picture };
  showMasks();
  answers.push({ at: performance.now(), latency: performance.now() - since });
  showPace();
}

/**
 * @param {Blob} jpeg
 * @param {AbortController} run
 */
async function receiveMasks(jpeg, run) {
  try {
    const event = await sendFrame(jpeg, run.signal);
    if (event === 'stopped') started = null;
    return typeof event === 'string' ? null : event;
  } catch (error) {
    if (error instanceof Refused) throw error;
    if (running !== run) return null;
    answers = [];
    showPace();
    showNote(LOST_CONNECTION);
    await wait(RETRY_DELAY);
    return null;
  }
}

/**
 * The server knows no objects, because it is new to them or has lost them: they are set by their last masks.
 * @param {number} frame
 */
async function setAgain(frame) {
  if (!objects.byId.size || !started) return;
  const prompts = await objects.maskPrompts(started);
  const lost = objects.restart(prompts.map(({ object }) => object));
  for (const { object, prompt } of prompts) send({ t: 'live_prompt', frame, object, prompt });
  const gone = plural(
    lost.length,
    '{n} object out of sight: click there again.',
    '{n} objects out of sight: click there again.',
  );
  const begun = tr('The server had lost what it followed. It goes on from the last masks.');
  showHint(sentences(begun, lost.length ? gone : ''));
  drawObjects();
}

/**
 * Draws the newest frame as soon as its masks are decoded, while the next one is on its way. Where decoding takes longer
 * than that, frames are left out.
 */
async function showMasks() {
  isOutdated = true;
  if (isDecoding) return;
  isDecoding = true;
  while (isOutdated) {
    isOutdated = false;
    const frame = newest;
    const sprites = await objects.sprites();
    if (!newest.picture) break; // the dialog was closed
    shown = { ...frame, sprites };
    draw();
    drawObjects();
  }
  isDecoding = false;
}

function draw() {
  const context = contextOf(canvas);
  if (!shown.picture) return;
  context.drawImage(shown.picture, 0, 0);
  context.globalAlpha = OPACITY;
  for (const sprite of shown.sprites) drawFill(context, sprite);
  context.globalAlpha = 1;
  const outline = (OUTLINE_WIDTH * canvas.width) / Math.max(1, canvas.clientWidth);
  for (const sprite of shown.sprites) drawOutline(context, sprite, outline);
  if (!drag) return;
  const [[x, y], [right, bottom]] = [drag.start, drag.end];
  context.lineWidth = Math.max(1.5, canvas.width / 400);
  context.strokeStyle = objects.color(objects.active);
  context.strokeRect(x, y, right - x, bottom - y);
}

function showPace() {
  const now = performance.now();
  answers = answers.filter(({ at }) => now - at < PACE_WINDOW);
  const since = answers.length > 1 ? answers[answers.length - 1].at - answers[0].at : 0;
  const latencies = answers.map(({ latency }) => latency).sort((a, b) => a - b);
  const pace = since ? ((answers.length - 1) * 1000) / since : 0;
  const latency = Math.round(latencies[latencies.length >> 1] ?? 0);
  const text = `${tr('{n} frames/s', { n: number(pace, pace < 10 ? 1 : 0) })} · ${tr('{n} ms', { n: latency })}`;
  find('stream-pace').textContent = running && since ? text : '';
}

// --- prompts ---

/**
 * @param {PointerEvent} event
 * @returns {Position}
 */
function positionOf({ clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [
    clamp(((clientX - left) / width) * canvas.width, 0, canvas.width),
    clamp(((clientY - top) / height) * canvas.height, 0, canvas.height),
  ];
}

const tooMany = () => tr('Up to {n} objects can be followed. Remove one first.', { n: about.max_objects });

/** @param {{ point?: Point; box?: Box }} added */
function prompt(added) {
  if (!running || shown.frame < 0) return;
  const isNew = !objects.byId.has(objects.active);
  if (isNew && added.point && !added.point[2]) return showHint(tr('Click on the thing first, then take away from it.'));
  if (isNew && !objects.startNew()) return showHint(tooMany());
  if (connection.status !== 'on') return showNote(LOST_CONNECTION);
  const { active: object } = objects;
  send({ t: 'live_prompt', frame: shown.frame, object, prompt: objects.promptWith(shown.frame, added) });
  showHint('');
  drawObjects();
}

/** @param {PointerEvent} event */
function pressed(event) {
  if (event.button > 0 || !shown.picture) return;
  canvas.setPointerCapture(event.pointerId);
  const place = positionOf(event);
  drag = { start: place, end: place };
}

/** @param {PointerEvent} event */
function moved(event) {
  if (!drag) return;
  drag.end = positionOf(event);
  draw();
}

/** @param {PointerEvent} event */
function released(event) {
  if (!drag) return;
  const [[left, top], [right, bottom]] = [drag.start, drag.end];
  drag = null;
  draw();
  const least = (MIN_BOX * canvas.width) / Math.max(1, canvas.clientWidth);
  if (Math.abs(right - left) > least && Math.abs(bottom - top) > least) {
    const [x0, x1] = [left, right].sort((a, b) => a - b);
    const [y0, y1] = [top, bottom].sort((a, b) => a - b);
    return prompt({ box: [x0, y0, x1, y1] });
  }
  const isNegative = event.altKey || find('stream-remove').ariaChecked === 'true';
  prompt({ point: [left, top, isNegative ? 0 : 1] });
}

/** @param {boolean} adds */
function setSign(adds) {
  const chosen = find(adds ? 'stream-add' : 'stream-remove');
  markChosen([find('stream-add'), find('stream-remove')], button => button === chosen);
}

// --- the objects ---

/** What the list shows, so that it is not made anew with each frame. */
let listed = '';

function drawObjects() {
  const ids = [...new Set([...objects.byId.keys(), objects.active])].sort((a, b) => a - b);
  const items = ids.map(id => {
    const record = objects.byId.get(id)?.record;
    return { id, isActive: id === objects.active, isNew: !objects.byId.has(id), isAway: !!record && !record.area };
  });
  find('stream-keep').disabled = !shown.picture;
  const key = JSON.stringify(items);
  if (key === listed) return;
  listed = key;
  find('stream-objects').replaceChildren(
    ...items.map(({ id, isActive, isNew, isAway }) => {
      const item = make('li', 'mk-stream-object');
      const pick = makeButton('mk-stream-pick', tr('Object {id}', { id }), () => activate(id));
      pick.ariaPressed = `${isActive}`;
      pick.style.setProperty('--color', objects.color(id));
      if (isNew || isAway) pick.append(make('span', '', ` · ${isNew ? tr('click on it') : tr('out of sight')}`));
      item.append(pick);
      if (isNew) return item;
      const remove = iconButton('close', tr('Remove object {id}', { id }));
      remove.onclick = () => removeObject(id);
      item.append(remove);
      return item;
    }),
  );
}

/** @param {number} id */
function activate(id) {
  if (!objects.byId.has(objects.active)) objects.remove(objects.active);
  objects.active = id;
  drawObjects();
}

/** @param {number} id */
function removeObject(id) {
  objects.remove(id);
  send({ t: 'live_remove', object: id });
  showMasks();
}

function startNew() {
  if (!objects.startNew()) showHint(tooMany());
  setSign(true);
  drawObjects();
}

/** Opens the frame that is shown as a photo, with its masks as prompts. */
async function keepPicture() {
  const { picture } = shown;
  if (!picture) return;
  const { width, height } = picture;
  const prompts = await objects.maskPrompts({ width, height });
  const blob = await new Promise(resolve => picture.toBlob(resolve, 'image/jpeg', 0.95));
  dialog.close();
  if (!blob) return;
  const name = 'camera.jpg';
  const steps = prompts.map(({ object, prompt: given }) => ({ entries: [{ frame: 0, object, prompt: given }] }));
  /** @type {SavedProject} */
  const project = {
    medium: { kind: 'image', name, frames: 1, fps: 0, height, width },
    journal: { steps, length: steps.length },
    look: { hidden: [], solo: null },
    effects: null,
    frame: 0,
    active: prompts[0]?.object ?? 1,
    range: null,
    reviews: [],
    isNew: true,
  };
  openFile(new File([blob], name, { type: 'image/jpeg' }), steps.length ? project : null);
}

export function setUpLiveCamera() {
  listen(find('stream'), 'click', openDialog);
  for (const button of [find('stream-close'), find('stream-stop')]) listen(button, 'click', () => dialog.close());
  listen(find('stream-resume'), 'click', turnOn);
  listen(find('stream-new'), 'click', startNew);
  makeRoving(find('stream-sign'));
  listen(find('stream-add'), 'click', () => setSign(true));
  listen(find('stream-remove'), 'click', () => setSign(false));
  listen(find('stream-keep'), 'click', keepPicture);
  listen(dialog, 'close', closed);
  listen(canvas, 'pointerdown', pressed);
  listen(canvas, 'pointermove', moved);
  listen(canvas, 'pointerup', released);
  listen(canvas, 'pointercancel', () => {
    drag = null;
  });
  listen(canvas, 'contextmenu', event => {
    event.preventDefault();
    drag = null; // of a long press
    prompt({ point: [...positionOf(/** @type {PointerEvent} */ (event)), 0] });
  });
  listen(document, 'visibilitychange', () => {
    if (document.hidden) pause(tr('The camera was turned off while this tab was in the background.'));
  });
  mount.signal.addEventListener('abort', turnOff);

  on('server-live_started', event => {
    ({ rate } = event);
    settleStart(true);
  });
  on('server-live_masks', event => {
    objects.take(event);
    if (running) showMasks();
  });
  on('server-error', ({ job, text }) => {
    if (job !== 'live') return;
    objects.dropUnanswered();
    if (started) showHint(text);
    else pause(text);
    drawObjects();
  });
  on('connection', status => {
    if (status !== 'on') settleStart(false);
  });
}
