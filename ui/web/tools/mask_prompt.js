// Masks that are given instead of found: the one that is seen kept as a prompt, or one from a file.

import { frameSize } from '../core/media.js';
import { makeMenu } from '../core/menus.js';
import { showTip, toast } from '../core/notices.js';
import { about, find, listen } from '../core/page.js';
import { decodeRuns, drawPixels, encodeRuns, opaque } from '../core/run_lengths.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { MASKED, masks } from '../viewport/masks.js';
import { prompts } from './prompts.js';

const MAX_MASK_BYTES = 64e6;

const isOnlyMask = said => !!said.mask && !said.points?.length && !said.boxes?.length && !said.crop;
export const hasMask = (frame, object) =>
  isOnlyMask(state.log.prompt(frame, object)) || !!masks.on(frame).get(object)?.area || isPending(frame, object);

const isPending = (frame, object) =>
  [connection.inFlight, ...connection.queue].some(
    message => message?.object === object && (message.t === 'remove_object' || message.frame === frame),
  );

const waiters = [];
async function whenAnswered(frame, object) {
  while (isPending(frame, object)) await new Promise(goOn => waiters.push(goOn));
}

// The newest mask of an object on a canvas of the frame's size, white on nothing; undefined while it is not here.
export async function drawMask(frame, object) {
  const { width, height } = frameSize(frame);
  const [, pen] = canvasOf(width, height);
  for (;;) {
    if (isOnlyMask(state.log.prompt(frame, object))) {
      drawPixels(pen, decodeRuns(state.log.prompt(frame, object).mask), width, height);
      return pen;
    }
    await whenAnswered(frame, object);
    const record = masks.on(frame).get(object);
    const isKnown = masks.lane(object)[frame] === MASKED;
    if (!record && isKnown) return void toast('The mask of this frame is still on its way. Try again in a moment.');
    if (!record?.area) return pen;
    const bitmap = await createImageBitmap(record.png);
    if (masks.on(frame).get(object) !== record || isPending(frame, object)) continue; // a newer one has come
    pen.drawImage(bitmap, record.place[0], record.place[1]);
    bitmap.close();
    return pen;
  }
}

// From now on these pixels are all that is said about the object on the frame, but for what is said `besides`. Returns the
// prompt, or undefined.
export function setMaskPrompt(pixels, frame, object, since, besides = {}) {
  const { width, height } = frameSize(frame);
  const mask = encodeRuns(pixels, width, height);
  if (mask.counts.length > about.max_mask) return void toast('This mask is too intricate to be sent. Make it simpler.');
  return prompts.set(frame, object, { mask, ...besides }, since);
}

export async function keepMask() {
  const { frame, active: object } = state;
  if (isOnlyMask(state.log.prompt(frame, object))) return toast('This mask is kept already.', 'hint');
  if (!hasMask(frame, object))
    return toast('There is no mask of this object on this frame that could be kept.', 'hint');
  const pen = await drawMask(frame, object);
  if (pen && setMaskPrompt(opaque(pen.canvas), frame, object))
    showTip('Kept: this mask now counts as it is, also for tracking.');
}

// --- from a file ---

export class UnreadableFile extends Error {}

async function importMask(file) {
  if (!file) return;
  const { frame, active: object, version } = state;
  try {
    if (file.size > MAX_MASK_BYTES) throw new UnreadableFile(`“${file.name}” is too large for a mask.`);
    const isJson = /json/.test(file.type) || /\.json$/i.test(file.name);
    const pixels = await (isJson ? pixelsOfJson : pixelsOfPicture)(file, frameSize(frame));
    if (!pixels.includes(1)) throw new UnreadableFile('This mask is empty: every pixel is black or transparent.');
    if (version === state.version && setMaskPrompt(pixels, frame, object))
      showTip('The mask is imported. Clicks refine it.');
  } catch (error) {
    toast(
      error instanceof UnreadableFile
        ? error.message
        : `“${file.name}” cannot be read as a mask. Choose a PNG picture or a COCO run-length JSON file.`,
    );
  }
}

function checkSize(width, height, due) {
  if (width === due.width && height === due.height) return;
  throw new UnreadableFile(
    `This mask has ${width} × ${height} pixels, the picture ${due.width} × ${due.height}. ` +
      'Save it at the size of the picture, then import it again.',
  );
}

// Where parts of the picture are transparent, the others are the mask; else all that is not black.
async function pixelsOfPicture(file, due) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  checkSize(width, height, due);
  const [, pen] = canvasOf(width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = pen.getImageData(0, 0, width, height);
  const solid = opaque(pen.canvas);
  if (solid.includes(0)) return solid;
  return solid.map((unused, place) => (data[4 * place] || data[4 * place + 1] || data[4 * place + 2] ? 1 : 0));
}

async function pixelsOfJson(file, due) {
  const said = JSON.parse(await file.text());
  const all = said?.annotations ?? (Array.isArray(said) ? said : [said]);
  if (all.length !== 1)
    throw new UnreadableFile(`This file holds ${counted(all.length, 'mask')}. Import a file with one.`);
  const rle = all[0].segmentation ?? all[0];
  checkSize(Number(rle.size[1]), Number(rle.size[0]), due);
  return decodeRuns({ size: [due.height, due.width], counts: rle.counts });
}

export function setUpMaskPrompt() {
  on('in-flight', flying => {
    if (!flying) for (const resolve of waiters.splice(0)) resolve();
  });

  listen(find('keep'), 'click', keepMask);
  listen(find('keep-item'), 'click', keepMask);
  listen(find('import-item'), 'click', () => find('mask-picker').click());
  listen(find('mask-picker'), 'change', event => {
    importMask(event.target.files[0]);
    event.target.value = '';
  });
  makeMenu(find('given'), find('given-menu'));

  on('log masks frame medium objects', () => {
    const { frame, active } = state;
    const said = state.log.prompt(frame, active);
    const can = !!masks.on(frame).get(active)?.area && !isOnlyMask(said);
    find('keep').disabled = find('keep-item').disabled = !can;
  });
}
