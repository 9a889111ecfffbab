// Masks from files: pictures, or COCO's run lengths as JSON.

import { decodeRuns, opaque } from '../core/run_lengths.js';
import { canvasOf } from '../shared/canvas.js';
import { counted } from '../shared/format.js';

const MAX_FILE_BYTES = 64e6;

/** Its message is for the user. */
export class UnreadableFile extends Error {}

/**
 * The pixels of the mask in a file, row by row, 1 in the mask. Throws UnreadableFile, or what a decoder throws.
 * @param {File} file
 * @param {Size} frame
 */
export async function pixelsOfFile(file, frame) {
  if (file.size > MAX_FILE_BYTES) throw new UnreadableFile(`“${file.name}” is too large for a mask.`);
  const isJson = /json/.test(file.type) || /\.json$/i.test(file.name);
  const pixels = isJson ? pixelsOfJson(await file.text(), frame) : await pixelsOfPicture(file, frame);
  if (!pixels.includes(1)) throw new UnreadableFile('This mask is empty: every pixel is black or transparent.');
  return pixels;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {Size} frame
 */
function checkSize(width, height, frame) {
  if (width === frame.width && height === frame.height) return;
  throw new UnreadableFile(
    `This mask has ${width} × ${height} pixels, the picture ${frame.width} × ${frame.height}. ` +
      'Save it at the size of the picture, then import it again.',
  );
}

/**
 * Where parts of the picture are transparent, the mask is what is opaque, else what is not black.
 * @param {File} file
 * @param {Size} frame
 */
async function pixelsOfPicture(file, frame) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  checkSize(width, height, frame);
  const [canvas, context] = canvasOf(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const solid = opaque(canvas);
  if (solid.includes(0)) return solid;
  const { data } = context.getImageData(0, 0, width, height);
  return solid.map((_, place) => (data[4 * place] || data[4 * place + 1] || data[4 * place + 2] ? 1 : 0));
}

/**
 * @param {string} text
 * @param {Size} frame
 */
export function pixelsOfJson(text, frame) {
  const content = JSON.parse(text);
  const annotations = content?.annotations ?? (Array.isArray(content) ? content : [content]);
  if (annotations.length !== 1)
    throw new UnreadableFile(`This file holds ${counted(annotations.length, 'mask')}. Import a file with one.`);
  const { size, counts } = annotations[0].segmentation ?? annotations[0];
  checkSize(Number(size[1]), Number(size[0]), frame);
  return decodeRuns({ size: [frame.height, frame.width], counts });
}
