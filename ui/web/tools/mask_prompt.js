// Mask prompts: the current mask used as one, or a mask from a file.

import { frameSize } from '../core/media.js';
import { makeMenu } from '../core/menus.js';
import { showTip, toast } from '../core/notices.js';
import { about, find, listen, listenForFiles } from '../core/page.js';
import { decodeRuns, drawPixels, encodeRuns, opaque } from '../core/run_lengths.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { dimensions } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { MASKED, masks } from '../viewport/masks.js';
import { pixelsOfFile, UnreadableFile } from './mask_file.js';
import { isOnlyMask } from './prompt_edits.js';
import { prompts } from './prompts.js';

/**
 * @param {number} frame
 * @param {number} object
 */
export const hasMask = (frame, object) =>
  isOnlyMask(state.log.prompt(frame, object)) || !!masks.on(frame).get(object)?.area || isPending(frame, object);

/**
 * Is a request under way that changes the mask?
 * @param {number} frame
 * @param {number} object
 */
const isPending = (frame, object) =>
  [connection.inFlight, ...connection.queue].some(
    request =>
      (request?.t === 'set_prompt' && request.object === object && request.frame === frame) ||
      (request?.t === 'remove_object' && request.object === object),
  );

/** @type {(() => void)[]} */
const waiting = []; // for the connection to become idle
/**
 * @param {number} frame
 * @param {number} object
 */
async function whenAnswered(frame, object) {
  while (isPending(frame, object)) await new Promise(resolve => waiting.push(() => resolve(undefined)));
}

/**
 * The newest mask of an object on a canvas of the frame's size, white on transparent; undefined while it is not loaded.
 * @param {number} frame
 * @param {number} object
 */
export async function drawMask(frame, object) {
  const { width, height } = frameSize(frame);
  const [, context] = canvasOf(width, height);
  for (;;) {
    const prompt = state.log.prompt(frame, object);
    if (prompt.mask && isOnlyMask(prompt)) {
      drawPixels(context, decodeRuns(prompt.mask), width, height);
      return context;
    }
    await whenAnswered(frame, object);
    const record = masks.on(frame).get(object);
    const isKnown = masks.lane(object)[frame] === MASKED;
    if (!record && isKnown) return void toast(tr('The mask of this frame is still on its way. Try again in a moment.'));
    if (!record?.area) return context;
    const bitmap = await createImageBitmap(record.png);
    if (masks.on(frame).get(object) !== record || isPending(frame, object)) continue; // a newer one has arrived
    context.drawImage(bitmap, record.place[0], record.place[1]);
    bitmap.close();
    return context;
  }
}

/**
 * Makes these pixels the prompt of the object on the frame, together with `others`. Returns the prompt, or undefined where
 * it cannot be set.
 * @param {Uint8Array} pixels
 * @param {number} frame
 * @param {number} object
 * @param {number} [since] when the user clicked
 * @param {Prompt} [others]
 */
export function setMaskPrompt(pixels, frame, object, since, others = {}) {
  const { width, height } = frameSize(frame);
  const mask = encodeRuns(pixels, width, height);
  if (mask.counts.length > about.max_mask)
    return void toast(tr('This mask is too intricate to be sent. Make it simpler.'));
  return prompts.set(frame, object, { mask, ...others }, since);
}

export async function useMaskAsPrompt() {
  const { frame, active: object } = state;
  if (isOnlyMask(state.log.prompt(frame, object))) return toast(tr('This mask is kept already.'), 'hint');
  if (!hasMask(frame, object))
    return toast(tr('There is no mask of this object on this frame that could be kept.'), 'hint');
  const context = await drawMask(frame, object);
  if (context && setMaskPrompt(opaque(context.canvas), frame, object))
    showTip(tr('Kept: this mask now counts as it is, also for tracking.'));
}

/** @param {File} file */
async function importMask(file) {
  const { frame, active: object, version } = state;
  try {
    const target = frameSize(frame);
    const { pixels, size } = await pixelsOfFile(file, target);
    const isSame = size.width === target.width && size.height === target.height;
    const sizes = { size: dimensions(size), target: dimensions(target) };
    if (version === state.version && setMaskPrompt(pixels, frame, object))
      showTip(
        isSame
          ? tr('The mask is imported. Clicks refine it.')
          : tr('The mask is imported. It was {size} and was scaled to {target}.', sizes),
      );
  } catch (error) {
    toast(
      error instanceof UnreadableFile
        ? error.message
        : tr('“{name}” cannot be read as a mask. Choose a PNG picture or a COCO run-length JSON file.', {
            name: file.name,
          }),
    );
  }
}

export function setUpMaskPrompt() {
  on('in-flight', request => {
    if (!request) for (const resume of waiting.splice(0)) resume();
  });

  listen(find('use-mask'), 'click', useMaskAsPrompt);
  listen(find('use-mask-item'), 'click', useMaskAsPrompt);
  listen(find('import-item'), 'click', () => find('mask-picker').click());
  listenForFiles(find('mask-picker'), ([file]) => importMask(file));
  makeMenu(find('masks'), find('masks-menu'));

  on('log masks frame medium objects', () => {
    const { frame, active } = state;
    const canUse = !!masks.on(frame).get(active)?.area && !isOnlyMask(state.log.prompt(frame, active));
    find('use-mask').disabled = find('use-mask-item').disabled = !canUse;
  });
}
