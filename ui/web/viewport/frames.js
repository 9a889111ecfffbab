// Decoded frames at full resolution: a cache of the most recently used ones, filled ahead of time.

import { address } from '../core/page.js';
import { state } from '../core/store.js';
import { clamp } from '../shared/values.js';

const MAX_FRAME_BYTES = 256e6; // decoded, 4 bytes a pixel

class FrameCache {
  /** @type {Map<number, Promise<ImageBitmap>>} frame -> bitmap, least recently used first */
  #bitmaps = new Map();
  #frameBytes = 0; // of the largest frame so far; photos of an album differ

  clear() {
    for (const bitmap of this.#bitmaps.values()) this.#close(bitmap);
    this.#bitmaps = new Map();
    this.#frameBytes = 0;
  }

  get #maxFrames() {
    return clamp(Math.floor(MAX_FRAME_BYTES / Math.max(1, this.#frameBytes)), 6, 96);
  }

  /** @param {number} frame */
  get(frame) {
    const bitmaps = this.#bitmaps;
    const bitmap = bitmaps.get(frame) ?? this.#load(frame, bitmaps);
    bitmaps.delete(frame);
    bitmaps.set(frame, bitmap);
    for (const [oldest, old] of bitmaps) {
      if (bitmaps.size <= this.#maxFrames) break;
      bitmaps.delete(oldest);
      this.#close(old);
    }
    return bitmap;
  }

  /** @param {Promise<ImageBitmap>} loading */
  #close(loading) {
    loading.then(
      bitmap => {
        if (bitmap !== state.shown.bitmap) bitmap.close();
      },
      () => {},
    );
  }

  /**
   * @param {number} frame
   * @param {Map<number, Promise<ImageBitmap>>} bitmaps
   */
  async #load(frame, bitmaps) {
    try {
      const response = await fetch(address(`frames/${frame}?v=${state.version}`));
      if (!response.ok) throw new Error(`frame ${frame}: ${response.status}`);
      const bitmap = await createImageBitmap(await response.blob());
      if (bitmaps === this.#bitmaps) this.#frameBytes = Math.max(this.#frameBytes, bitmap.width * bitmap.height * 4);
      return bitmap;
    } catch (error) {
      bitmaps.delete(frame); // so that the next `get` tries again
      throw error;
    }
  }

  /**
   * @param {number} frame
   * @param {1 | -1} step
   * @param {number} count
   */
  prefetch(frame, step, count) {
    const end = state.medium?.frames ?? 0;
    for (let ahead = 1; ahead <= count; ahead += 1) {
      const next = frame + ahead * step;
      if (next >= 0 && next < end && !this.#bitmaps.has(next)) this.get(next).catch(() => {});
    }
  }
}

export const frames = new FrameCache();
