// The frames of this file as pictures, with their masks in the objects' colors. The last ones looked at stay decoded.

import { canvasOf } from '../../../../ui/web/shared/canvas.js';
import { embedded, objectOf, shots, sizeOf, state } from './page.js';

const PICTURE_BUDGET = 160e6; // bytes of decoded pictures and masks
const MIN_KEPT = 3; // frames, however large

/** @param {string} text base64 */
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) bytes[place] = letters.charCodeAt(place);
  return bytes;
}

/**
 * @param {string} text base64
 * @param {string} type
 */
const bitmapOf = (text, type) => createImageBitmap(new Blob([bytesOf(text)], { type }));

/**
 * @param {EmbeddedFrame['masks'][number]} mask
 * @param {number} scale pixels of the source a pixel of the mask
 * @returns {Promise<ReviewSprite>}
 */
async function spriteOf({ object, place: [x, y, width, height], png }, scale) {
  const bitmap = await bitmapOf(png, 'image/png');
  const [fill, ink] = canvasOf(width, height);
  ink.drawImage(bitmap, 0, 0);
  ink.globalCompositeOperation = 'source-in';
  ink.fillStyle = objectOf(object)?.color ?? '#000';
  ink.fillRect(0, 0, width, height);
  bitmap.close();
  return { object, fill, scale, x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}

/**
 * @param {number} frame
 * @returns {Promise<DecodedFrame>}
 */
async function decode(frame) {
  const plain = /** @type {EmbeddedFrame} */ (embedded(`script[data-frame="${frame}"]`));
  const scale = sizeOf(frame).width / plain.grid[0];
  const [bitmap, ...sprites] = await Promise.all([
    bitmapOf(plain.picture, 'image/webp'),
    ...plain.masks.map(mask => spriteOf(mask, scale)),
  ]);
  const pixels = bitmap.width * bitmap.height + sprites.reduce((sum, { fill }) => sum + fill.width * fill.height, 0);
  return { frame, bitmap, sprites, bytes: 4 * pixels };
}

export const frames = {
  /**
   * By place, the one used last at the end; `bytes` is 0 until the frame is decoded.
   * @type {Map<number, { coming: Promise<DecodedFrame>, bytes: number }>}
   */
  known: new Map(),

  /** @param {number} place */
  get(place) {
    const found = this.known.get(place) ?? this.load(place);
    this.known.delete(place);
    this.known.set(place, found);
    return found.coming;
  },

  /** @param {number} place */
  load(place) {
    const found = { coming: decode(shots[place]), bytes: 0 };
    found.coming.then(({ bytes }) => {
      found.bytes = bytes;
      this.trim();
    });
    return found;
  },

  // What is let go may still be shown: the browser frees it when nobody has it any more.
  trim() {
    const here = [...this.known].filter(([, { bytes }]) => bytes);
    let total = here.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    for (const [place, { bytes }] of here.slice(0, -MIN_KEPT)) {
      if (total <= PICTURE_BUDGET) return;
      this.known.delete(place);
      total -= bytes;
    }
  },

  /** @param {number} count */
  prefetch(count) {
    for (let ahead = 1; ahead <= count && state.place + ahead < shots.length; ahead += 1) this.get(state.place + ahead);
  },
};
