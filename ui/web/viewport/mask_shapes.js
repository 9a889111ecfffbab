// Shapes of masks for drawing many outlines and for finding the mask at a position: a small bitmap and the polygons around
// it. Masks with a side of more than MAX_SIDE pixels lose detail; their pixels come from their PNG (`pixelsOf`).

import { canvasOf, contextOf } from '../shared/canvas.js';
import { ringsOf, simplifyRing, smoothRing } from '../shared/contours.js';

/**
 * @typedef {object} MaskShape
 * @property {Place} place of the bitmap in the frame
 * @property {number} columns
 * @property {number} rows
 * @property {Uint8Array} pixels row by row, 1 in the mask
 * @property {Path2D} path the outlines, in pixels of the frame
 * @property {Position} anchor a position well inside of the mask
 */

const MAX_SIDE = 256; // pixels of the bitmap
const TOLERANCE = 0.7; // pixels of the bitmap by which its polygons may deviate

/** @type {CanvasRenderingContext2D | undefined} reused: bitmaps are read one at a time */
let scratch;

/**
 * The pixels of a mask at another size, row by row, 1 in the mask.
 * @param {ImageBitmap} bitmap
 * @param {number} columns
 * @param {number} rows
 */
function readPixels(bitmap, columns, rows) {
  scratch ??= contextOf(canvasOf(1, 1)[0], { willReadFrequently: true });
  Object.assign(scratch.canvas, { width: columns, height: rows }); // which also clears it
  scratch.imageSmoothingQuality = 'medium';
  scratch.drawImage(bitmap, 0, 0, columns, rows);
  const { data } = scratch.getImageData(0, 0, columns, rows);
  let most = 0;
  for (let at = 3; at < data.length; at += 4) most = Math.max(most, data[at]);
  const pixels = new Uint8Array(columns * rows);
  for (let place = 0; place < pixels.length; place += 1) pixels[place] = Number(data[4 * place + 3] * 2 > most);
  return pixels;
}

/**
 * All pixels of a mask, those of its place row by row.
 * @param {Pick<CandidateMask, 'place' | 'png'>} mask
 */
export async function pixelsOf({ place: [, , width, height], png }) {
  const bitmap = await createImageBitmap(png);
  const pixels = readPixels(bitmap, width, height);
  bitmap.close();
  return pixels;
}

/**
 * @param {Pick<CandidateMask, 'place' | 'png'>} mask
 * @returns {Promise<MaskShape>}
 */
export async function shapeOf({ place, png }) {
  const bitmap = await createImageBitmap(png);
  const scale = Math.max(1, place[2] / MAX_SIDE, place[3] / MAX_SIDE);
  const [columns, rows] = [Math.ceil(place[2] / scale), Math.ceil(place[3] / scale)];
  const pixels = readPixels(bitmap, columns, rows);
  bitmap.close();
  return shapeOfPixels(place, columns, rows, pixels);
}

/**
 * @param {Place} place
 * @param {number} columns
 * @param {number} rows
 * @param {Uint8Array} pixels
 * @returns {MaskShape}
 */
export function shapeOfPixels(place, columns, rows, pixels) {
  return {
    place,
    columns,
    rows,
    pixels,
    path: pathOf(place, columns, rows, pixels, ring => simplifyRing(ring, TOLERANCE)),
    anchor: anchorOf(place, columns, rows, pixels),
  };
}

const MAX_SMOOTH_SIDE = 1024; // pixels of the bitmap whose outlines are smoothed

/**
 * The smooth outlines of a mask, in pixels of the frame, to be filled by the even-odd rule.
 * @param {Pick<CandidateMask, 'place' | 'png'>} mask
 */
export async function smoothPath({ place, png }) {
  const bitmap = await createImageBitmap(png);
  const scale = Math.max(1, place[2] / MAX_SMOOTH_SIDE, place[3] / MAX_SMOOTH_SIDE);
  const [columns, rows] = [Math.ceil(place[2] / scale), Math.ceil(place[3] / scale)];
  const pixels = readPixels(bitmap, columns, rows);
  bitmap.close();
  return pathOf(place, columns, rows, pixels, smoothRing);
}

/**
 * @param {Place} place
 * @param {number} columns
 * @param {number} rows
 * @param {Uint8Array} pixels
 * @param {(ring: number[]) => number[]} simplify
 */
function pathOf([left, top, width, height], columns, rows, pixels, simplify) {
  const path = new Path2D();
  const [scaleX, scaleY] = [width / columns, height / rows];
  for (const ring of ringsOf(pixels, columns, rows)) {
    const corners = simplify(ring);
    for (let at = 0; at < corners.length; at += 2) {
      const [x, y] = [left + corners[at] * scaleX, top + corners[at + 1] * scaleY];
      if (at) path.lineTo(x, y);
      else path.moveTo(x, y);
    }
    path.closePath();
  }
  return path;
}

/**
 * The middle of the longest run in the middle rows of a bitmap.
 * @param {Place} place
 * @param {number} columns
 * @param {number} rows
 * @param {Uint8Array} pixels
 * @returns {Position}
 */
export function anchorOf([left, top, width, height], columns, rows, pixels) {
  let [longest, atX, atY] = [0, columns / 2, rows / 2];
  const margin = Math.floor(rows / 4);
  for (let y = margin; y < rows - margin; y += 1) {
    for (let x = 0, run = 0; x < columns; x += 1) {
      run = pixels[y * columns + x] ? run + 1 : 0;
      if (run > longest) [longest, atX, atY] = [run, x + 1 - run / 2, y + 0.5];
    }
  }
  return [left + (atX * width) / columns, top + (atY * height) / rows];
}

/**
 * @param {Pick<MaskShape, 'place' | 'columns' | 'rows' | 'pixels'>} shape
 * @param {Position} position
 */
export function isInside({ place: [left, top, width, height], columns, rows, pixels }, [x, y]) {
  const [column, row] = [Math.floor(((x - left) * columns) / width), Math.floor(((y - top) * rows) / height)];
  return column >= 0 && row >= 0 && column < columns && row < rows && pixels[row * columns + column] === 1;
}

/**
 * IoU of two masks, as exactly as their bitmaps are.
 * @param {Pick<MaskShape, 'place' | 'columns' | 'rows' | 'pixels'>} one
 * @param {Pick<MaskShape, 'place' | 'columns' | 'rows' | 'pixels'>} other
 */
export function shapeOverlap(one, other) {
  const [left, top, width, height] = one.place;
  let [count, shared] = [0, 0];
  for (let place = 0; place < one.pixels.length; place += 1) {
    if (!one.pixels[place]) continue;
    count += 1;
    const column = (place % one.columns) + 0.5;
    const row = Math.floor(place / one.columns) + 0.5;
    if (isInside(other, [left + (column * width) / one.columns, top + (row * height) / one.rows])) shared += 1;
  }
  const pixel = (width * height) / (one.columns * one.rows);
  const otherCount = other.pixels.reduce((sum, value) => sum + value, 0);
  const otherArea = (otherCount * other.place[2] * other.place[3]) / (other.columns * other.rows);
  return (shared * pixel) / Math.max(1, count * pixel + otherArea - shared * pixel);
}
