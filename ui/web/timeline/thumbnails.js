// The thumbnails of a clip: as many as fit side by side, each of the frame in the middle of its slot. They are requested
// when nothing more urgent is, and cached, so that zooming finds most of them again.

import { openMedium } from '../core/media.js';
import { mount } from '../core/mount.js';
import { address, find, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { drawSoon, stripContext } from './drawing.js';
import { THUMB_WIDTH, visibleSpan } from './geometry.js';

const THUMBNAIL_HEIGHT = 72; // pixels that the server sends, for screens with two pixels a CSS pixel
const MIN_SLOT_WIDTH = 12; // CSS pixels
const MAX_THUMBNAILS = 400;
const MAX_IN_FLIGHT = 2; // requests
const REQUEST_DELAY = 120; // milliseconds without a change before missing thumbnails are requested

const stripCanvas = find('thumbnails');

class ThumbnailCache {
  /** @type {Map<number, ImageBitmap>} frame -> bitmap, least recently used first */
  #bitmaps = new Map();
  /** @type {Set<number>} */
  #inFlight = new Set();
  /** @type {Set<number>} frames whose slots stay empty, until the medium is opened again or the connection is back */
  #failed = new Set();
  /** @type {number[]} */
  #wanted = [];
  #timer = 0;

  clear() {
    clearTimeout(this.#timer);
    for (const bitmap of this.#bitmaps.values()) bitmap.close();
    this.#bitmaps = new Map();
    this.#inFlight = new Set();
    this.#failed = new Set();
    this.#wanted = [];
  }

  retryFailed() {
    this.#failed.clear();
  }

  /**
   * The thumbnail, or until it comes the nearest one within `reach` frames.
   * @param {number} frame
   * @param {number} reach
   */
  get(frame, reach) {
    const bitmap = this.#bitmaps.get(frame);
    if (bitmap) {
      this.#bitmaps.delete(frame);
      this.#bitmaps.set(frame, bitmap);
      return bitmap;
    }
    const distance = (/** @type {number} */ other) => Math.abs(other - frame);
    const nearest = [...this.#bitmaps.keys()].reduce((a, b) => (distance(b) < distance(a) ? b : a), Infinity);
    return distance(nearest) <= reach ? this.#bitmaps.get(nearest) : undefined;
  }

  /** @param {number[]} frames */
  request(frames) {
    this.#wanted = frames.filter(frame => !this.#bitmaps.has(frame) && !this.#failed.has(frame));
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#pump(), REQUEST_DELAY);
  }

  #pump() {
    while (this.#inFlight.size < MAX_IN_FLIGHT && !mount.signal.aborted) {
      const frame = this.#wanted.shift();
      if (frame === undefined) return;
      if (!this.#inFlight.has(frame) && !this.#bitmaps.has(frame)) this.#load(frame);
    }
  }

  /** @param {number} frame */
  async #load(frame) {
    const [bitmaps, inFlight, failed] = [this.#bitmaps, this.#inFlight, this.#failed];
    inFlight.add(frame);
    try {
      const path = `frames/${frame}?v=${state.version}&height=${THUMBNAIL_HEIGHT}`;
      const response = await fetch(address(path), { priority: 'low' });
      if (!response.ok) throw new Error(`thumbnail ${frame}: ${response.status}`);
      const bitmap = await createImageBitmap(await response.blob());
      if (bitmaps !== this.#bitmaps) return bitmap.close();
      bitmaps.set(frame, bitmap);
      for (const [oldest, old] of bitmaps) {
        if (bitmaps.size <= MAX_THUMBNAILS) break;
        old.close();
        bitmaps.delete(oldest);
      }
      emit('thumbnail');
    } catch {
      failed.add(frame);
    } finally {
      inFlight.delete(frame);
      if (bitmaps === this.#bitmaps) this.#pump();
    }
  }
}

const thumbnails = new ThumbnailCache();

/**
 * The slots of the strip. Frames are rounded to a power of two, so that other zooms show the same ones.
 * @param {number} height
 */
function slots(height) {
  const { width, height: frameHeight } = openMedium();
  const available = timeline.width - THUMB_WIDTH;
  const count = Math.max(1, Math.round(available / clamp((height * width) / frameHeight, MIN_SLOT_WIDTH, available)));
  const slotWidth = available / count;
  const step = visibleSpan() / count;
  const grain = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, step))));
  return Array.from({ length: count }, (_, place) => {
    const middle = timeline.first + (place + 0.5) * step;
    const frame = clamp(Math.round(middle / grain) * grain, timeline.first, timeline.last);
    return { left: THUMB_WIDTH / 2 + place * slotWidth, width: slotWidth - 1, frame };
  });
}

function drawThumbnails() {
  const height = stripCanvas.clientHeight;
  const context = stripContext(stripCanvas, height);
  const wanted = slots(height);
  context.imageSmoothingQuality = 'high';
  context.fillStyle = getComputedStyle(root).getPropertyValue('--mk-hover');
  for (const { left, width, frame } of wanted) {
    const bitmap = thumbnails.get(frame, visibleSpan());
    if (bitmap) drawCovering(context, bitmap, left, width, height);
    else context.fillRect(left, 0, width, height);
  }
  thumbnails.request([...new Set(wanted.map(({ frame }) => frame))]);
}

/**
 * Fills a slot as CSS's `object-fit: cover` does.
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} bitmap
 * @param {number} left
 * @param {number} width
 * @param {number} height
 */
function drawCovering(context, bitmap, left, width, height) {
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [cropWidth, cropHeight] = [width / scale, height / scale];
  const [x, y] = [(bitmap.width - cropWidth) / 2, (bitmap.height - cropHeight) / 2];
  context.drawImage(bitmap, x, y, cropWidth, cropHeight, left, 0, width, height);
}

export function setUpThumbnails() {
  on('medium', () => thumbnails.clear());
  on('connection', status => {
    if (status === 'on') thumbnails.retryFailed();
  });
  on('medium timeline thumbnail theme connection', drawSoon(drawThumbnails));
}
