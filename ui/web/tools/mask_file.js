// Masks from files: pictures, or COCO's run lengths as JSON.

import { decodeRuns } from '../core/run_lengths.js';
import { canvasOf } from '../shared/canvas.js';
import { dimensions } from '../shared/format.js';
import { plural, sentences, tr } from '../shared/language.js';
import { isScaled, maskOf, scaled } from './mask_pixels.js';

const MAX_FILE_BYTES = 64e6;

/** Its message is for the user. */
export class UnreadableFile extends Error {}

/**
 * The pixels of the mask in a file at the size of the frame, row by row, 1 in the mask, and the size that it has in the file.
 * Throws UnreadableFile, or what a decoder throws.
 * @param {File} file
 * @param {Size} frame
 */
export async function pixelsOfFile(file, frame) {
  if (file.size > MAX_FILE_BYTES)
    throw new UnreadableFile(tr('“{name}” is too large for a mask.', { name: file.name }));
  const isJson = /json/.test(file.type) || /\.json$/i.test(file.name);
  const { pixels, size } = isJson ? pixelsOfJson(await file.text(), frame) : await pixelsOfPicture(file, frame);
  if (!pixels.includes(1)) throw new UnreadableFile(tr('This mask is empty: every pixel is black or transparent.'));
  return { pixels: scaled(pixels, size, frame), size };
}

/**
 * @param {Size} size
 * @param {Size} frame
 */
function checkSize(size, frame) {
  if (isScaled(size, frame)) return;
  const isTurned = isScaled({ width: size.height, height: size.width }, frame);
  throw new UnreadableFile(
    sentences(
      tr('This mask has {own} pixels, the picture {other}.', { own: dimensions(size), other: dimensions(frame) }),
      isTurned
        ? tr('It seems to be turned: turn it by 90°, then import it again.')
        : tr('Save it at the size of the picture, then import it again.'),
    ),
  );
}

/**
 * @param {File} file
 * @param {Size} frame
 */
async function pixelsOfPicture(file, frame) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  checkSize({ width, height }, frame);
  const [, context] = canvasOf(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = maskOf(context.getImageData(0, 0, width, height).data);
  if (!pixels)
    throw new UnreadableFile(
      tr('“{name}” has too many colors for a mask and looks like a photo. Choose a mask.', { name: file.name }),
    );
  return { pixels, size: { width, height } };
}

/**
 * @param {string} text
 * @param {Size} frame
 */
export function pixelsOfJson(text, frame) {
  const content = JSON.parse(text);
  const annotations = content?.annotations ?? (Array.isArray(content) ? content : [content]);
  if (annotations.length !== 1)
    throw new UnreadableFile(
      plural(
        annotations.length,
        'This file holds {n} mask. Import a file with one.',
        'This file holds {n} masks. Import a file with one.',
      ),
    );
  const { size: sides, counts } = annotations[0].segmentation ?? annotations[0];
  const [height, width] = [Number(sides[0]), Number(sides[1])];
  checkSize({ width, height }, frame);
  return { pixels: decodeRuns({ size: [height, width], counts }), size: { width, height } };
}
