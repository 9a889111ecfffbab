// Drawing masks: in color with a smooth outline, hatched, and as thumbnails of a crop of a frame.

import { canvasOf, contextOf } from '../shared/canvas.js';
import { clamp } from '../shared/values.js';
import { smoothPath } from './mask_shapes.js';

const TILE_SIDE = 12; // pixels of the screen

/** @typedef {[x0: number, y0: number, x1: number, y1: number]} Line */

/**
 * A mask in its color, as a shape. Null for an empty mask.
 * @param {Pick<CandidateMask, 'area' | 'place' | 'png'>} mask
 * @param {string} color
 * @param {number | null} [pattern] index into PATTERNS
 * @returns {Promise<Sprite | null>}
 */
export async function drawSprite(mask, color, pattern = null) {
  return mask.area ? { path: await smoothPath(mask), place: mask.place, color, pattern } : null;
}

/**
 * @param {CanvasRenderingContext2D} context in pixels of the frame
 * @param {Sprite} sprite
 */
export function drawFill(context, { path, place, color, pattern }) {
  context.fillStyle = color;
  context.fill(path, 'evenodd');
  if (pattern === null) return;
  context.fillStyle = hatching(context, place, color, pattern);
  context.fill(path, 'evenodd');
}

/**
 * In the color of the mask, between two thin dark lines, so that it is seen on anything.
 * @param {CanvasRenderingContext2D} context in pixels of the frame
 * @param {Sprite} sprite
 * @param {number} width in pixels of the frame
 */
export function drawOutline(context, { path, color }, width) {
  context.lineJoin = 'round';
  Object.assign(context, { strokeStyle: '#0006', lineWidth: 1.7 * width });
  context.stroke(path);
  Object.assign(context, { strokeStyle: color, lineWidth: width });
  context.stroke(path);
}

/**
 * A canvas as a repeating fill.
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} tile
 * @param {DOMMatrix} [transform]
 */
export function tiled(context, tile, transform) {
  const pattern = /** @type {CanvasPattern} */ (context.createPattern(tile, 'repeat'));
  if (transform) pattern.setTransform(transform);
  return pattern;
}

/** @type {Line[]} */
const RISING = [
  [0, 1, 1, 0],
  [-0.5, 0.5, 0.5, -0.5],
  [0.5, 1.5, 1.5, 0.5],
];
/** @type {Line[]} */
const FALLING = [
  [0, 0, 1, 1],
  [-0.5, 0.5, 0.5, 1.5],
  [0.5, -0.5, 1.5, 0.5],
];
/** @type {Line[]} */
const HORIZONTAL = [[0, 0.5, 1, 0.5]];
/** @type {Line[]} */
const VERTICAL = [[0.5, 0, 0.5, 1]];
/** @type {Line[]} */
const DOT = [[0.5, 0.5, 0.51, 0.5]];
/** Lines in a tile of side 1. A prime number of patterns, so that objects that share a color differ in theirs. */
export const PATTERNS = [
  RISING,
  HORIZONTAL,
  [...RISING, ...FALLING],
  DOT,
  FALLING,
  VERTICAL,
  [...HORIZONTAL, ...VERTICAL],
];

/** @param {string} color #rrggbb */
function isBright(color) {
  const [red, green, blue] = [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 110;
}

/**
 * Lines over a fill, equally wide whatever the scale of the context.
 * @param {CanvasRenderingContext2D} context
 * @param {Place} place of the mask in the frame, where the pattern is anchored
 * @param {string} color
 * @param {number} pattern
 */
function hatching(context, [x, y], color, pattern) {
  const side = TILE_SIDE;
  const lines = PATTERNS[pattern];
  const [tile, tileContext] = canvasOf(side, side);
  tileContext.scale(side, side);
  tileContext.lineWidth = (lines === DOT ? 4 : 2.2) / side;
  tileContext.lineCap = lines === DOT ? 'round' : 'square';
  tileContext.strokeStyle = isBright(color) ? '#000c' : '#fffc';
  tileContext.beginPath();
  for (const [x0, y0, x1, y1] of lines) {
    tileContext.moveTo(x0, y0);
    tileContext.lineTo(x1, y1);
  }
  tileContext.stroke();
  const scale = 1 / context.getTransform().a;
  return tiled(context, tile, new DOMMatrix().translate(x, y).scale(scale));
}

const THUMBNAIL_MARGIN = 1.25; // side of the crop, in sizes of the mask
const OUTLINE_WIDTH = 1.6; // pixels of a thumbnail
const MIN_THUMBNAIL_CROP = 24; // pixels of the frame

/**
 * The part of a frame around a mask for a thumbnail of this aspect ratio (width / height), within the frame where it fits.
 * @param {Place} place
 * @param {Size} frame
 * @returns {[left: number, top: number, width: number]}
 */
export function partAround([x, y, width, height], frame, aspect = 1) {
  const wanted = Math.max(MIN_THUMBNAIL_CROP, THUMBNAIL_MARGIN * width, THUMBNAIL_MARGIN * height * aspect);
  const partWidth = Math.min(wanted, Math.max(frame.width, frame.height * aspect));
  const partHeight = partWidth / aspect;
  const start = (/** @type {number} */ center, /** @type {number} */ side, /** @type {number} */ frameSide) =>
    side < frameSide ? clamp(center - side / 2, 0, frameSide - side) : (frameSide - side) / 2;
  return [start(x + width / 2, partWidth, frame.width), start(y + height / 2, partHeight, frame.height), partWidth];
}

/**
 * Fills a canvas with a part of a frame and its mask.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 * @param {Sprite} sprite
 * @param {Size} frame
 * @param {[left: number, top: number, width: number]} part
 */
export function drawPart(canvas, bitmap, sprite, { width, height }, [left, top, partWidth]) {
  const context = contextOf(canvas);
  const scale = canvas.width / partWidth;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.drawImage(bitmap, 0, 0, width, height);
  context.globalAlpha = 0.6;
  drawFill(context, sprite);
  context.globalAlpha = 1;
  drawOutline(context, sprite, OUTLINE_WIDTH / scale);
}
