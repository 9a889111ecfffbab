// The exact frames, decoded: the ones used last stay, and the next ones are fetched before they are needed.

import { address } from '../core/page.js';
import { state } from '../core/store.js';
import { clamp } from '../shared/values.js';

const FRAME_MEMORY = 256e6; // bytes of decoded frames

class FrameCache {
  constructor() {
    this.clear();
  }

  clear() {
    for (const { bitmap } of this.kept?.values() ?? []) bitmap?.close();
    this.kept = new Map(); // frame -> {promise, bitmap}, the one used last at the end
    this.size = 0;
  }

  get room() {
    return clamp(Math.floor(FRAME_MEMORY / Math.max(1, this.size)), 6, 96);
  }

  peek(frame) {
    return this.kept.get(frame)?.bitmap ?? null;
  }

  get(frame) {
    let kept = this.kept.get(frame);
    if (!kept) kept = { promise: this.load(frame), bitmap: null };
    this.kept.delete(frame);
    this.kept.set(frame, kept);
    for (const [oldest, old] of this.kept) {
      if (this.kept.size <= this.room) break;
      this.kept.delete(oldest);
      old.promise
        .then(bitmap => {
          if (old !== this.kept.get(oldest)) bitmap.close();
        })
        .catch(() => {});
    }
    return kept.promise;
  }

  async load(frame) {
    const kept = this.kept;
    try {
      const answer = await fetch(address(`frames/${frame}?v=${state.version}`));
      if (!answer.ok) throw new Error(`frame ${frame}: ${answer.status}`);
      const bitmap = await createImageBitmap(await answer.blob());
      this.size = Math.max(this.size, bitmap.width * bitmap.height * 4); // photos of an album differ
      if (kept.get(frame)) kept.get(frame).bitmap = bitmap;
      return bitmap;
    } catch (error) {
      kept.delete(frame); // so that it is tried again
      throw error;
    }
  }

  prefetch(frame, step, count) {
    for (let ahead = 1; ahead <= count; ahead += 1) {
      const next = frame + ahead * step;
      if (next >= 0 && next < state.medium.frames && !this.kept.has(next)) this.get(next).catch(() => {});
    }
  }
}

export const frames = new FrameCache();
