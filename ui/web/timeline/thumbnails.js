// The strip of small pictures: as many as fit, each of the frame in the middle of its place. They come one after the other
// when there is nothing more urgent, and stay, so that zooming finds most of them again.

import { mount } from '../core/mount.js';
import { address, find, root } from '../core/page.js';
import { state, timeline } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { contextOf, drawSoon } from './drawing.js';
import { framesAcross, THUMB_WIDTH } from './geometry.js';

const THUMBNAIL_HEIGHT = 72; // pixels that the server sends, for screens with two pixels a CSS pixel
const MAX_THUMBNAILS = 400;
const AT_ONCE = 2; // requests on their way
const SETTLE = 120; // milliseconds without a change before missing ones are asked for

const stripCanvas = find('thumbnails');

class Thumbnails {
  constructor() {
    this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    for (const bitmap of this.kept?.values() ?? []) bitmap.close();
    this.kept = new Map(); // frame -> bitmap, the one used last at the end
    this.flying = new Set();
    this.failed = new Set();
    this.wanted = [];
  }

  // The bitmap, or the nearest one there is until it comes.
  get(frame, reach) {
    const bitmap = this.kept.get(frame);
    if (bitmap) {
      this.kept.delete(frame);
      this.kept.set(frame, bitmap);
      return bitmap;
    }
    const away = other => Math.abs(other - frame);
    const nearest = [...this.kept.keys()].reduce((best, other) => (away(other) < away(best) ? other : best), Infinity);
    return away(nearest) <= reach ? this.kept.get(nearest) : null;
  }

  want(frames) {
    this.wanted = frames.filter(frame => !this.kept.has(frame) && !this.failed.has(frame));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), SETTLE);
  }

  pump() {
    while (this.flying.size < AT_ONCE && this.wanted.length && !mount.signal.aborted) {
      const frame = this.wanted.shift();
      if (!this.flying.has(frame) && !this.kept.has(frame)) this.load(frame);
    }
  }

  async load(frame) {
    const { kept, flying, failed } = this;
    flying.add(frame);
    try {
      const answer = await fetch(address(`frames/${frame}?v=${state.version}&height=${THUMBNAIL_HEIGHT}`), {
        priority: 'low',
      });
      if (!answer.ok) throw new Error(`thumbnail ${frame}: ${answer.status}`);
      const bitmap = await createImageBitmap(await answer.blob());
      if (kept !== this.kept) return bitmap.close();
      kept.set(frame, bitmap);
      while (kept.size > MAX_THUMBNAILS) this.drop(kept.keys().next().value);
      emit('thumbnail');
    } catch {
      failed.add(frame); // its place stays empty, until the medium is opened again or the line comes back
    } finally {
      flying.delete(frame);
      if (kept === this.kept) this.pump();
    }
  }

  drop(frame) {
    this.kept.get(frame).close();
    this.kept.delete(frame);
  }
}

const thumbnails = new Thumbnails();

// The places of the strip: [left, width, frame]. Frames are rounded to a power of two, so that other zooms meet them again.
function stripPlaces(height) {
  const across = timeline.width - THUMB_WIDTH;
  const wide = clamp((height * state.medium.width) / state.medium.height, 12, across);
  const count = Math.max(1, Math.round(across / wide));
  const each = across / count;
  const step = framesAcross() / count;
  const grain = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, step))));
  return Array.from({ length: count }, (_, place) => {
    const middle = timeline.first + (place + 0.5) * step;
    return [
      THUMB_WIDTH / 2 + place * each,
      each,
      clamp(Math.round(middle / grain) * grain, timeline.first, timeline.last),
    ];
  });
}

function drawStrip() {
  const height = stripCanvas.clientHeight;
  const pen = contextOf(stripCanvas, height);
  const places = stripPlaces(height);
  pen.imageSmoothingQuality = 'high';
  pen.fillStyle = getComputedStyle(root).getPropertyValue('--mk-hover');
  for (const [left, width, frame] of places) {
    const bitmap = thumbnails.get(frame, framesAcross());
    if (bitmap) drawCovering(pen, bitmap, left, width - 1, height);
    else pen.fillRect(left, 0, width - 1, height);
  }
  thumbnails.want([...new Set(places.map(([, , frame]) => frame))]);
}

// The picture fills its place; what does not fit is cut off on both sides alike.
function drawCovering(pen, bitmap, left, width, height) {
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [wide, high] = [width / scale, height / scale];
  pen.drawImage(bitmap, (bitmap.width - wide) / 2, (bitmap.height - high) / 2, wide, high, left, 0, width, height);
}

export function setUpThumbnails() {
  on('medium', () => thumbnails.clear());
  on('connection', status => {
    if (status === 'on') thumbnails.failed.clear();
  });
  on('medium timeline thumbnail theme connection', drawSoon(drawStrip));
}
