// The small pictures in the list of objects: the part of a frame around an object, with its mask. They are drawn one
// after the other, only where they can be seen, and not more often than a look at them needs.

import { frameSize } from '../core/media.js';
import { mount } from '../core/mount.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { frames } from '../viewport/frames.js';
import { masks } from '../viewport/masks.js';
import { patternOf } from '../viewport/patterns.js';
import { drawPart, partAround } from '../viewport/sprites.js';
import { objectSprite } from '../viewport/viewport.js';

const THUMB_SIDE = 44; // CSS pixels
const THUMB_PAUSE = 350; // milliseconds from one round to the next

const objectThumbnails = {
  drawn: new WeakMap(), // canvas -> what is drawn on it
  inView: new Set(), // rows
  timer: 0,
  rounds: Promise.resolve(),

  // Where an object is best seen: on the frame we look at, else where it was seen last, else on the nearest other frame.
  whereSeen(id, canvas) {
    if (masks.on(state.frame).get(id)?.area) return state.frame;
    const last = this.drawn.get(canvas);
    if (last && last.version === state.version && masks.on(last.frame).get(id)?.area) return last.frame;
    let nearest = null;
    for (const [frame, here] of masks.frames) {
      const nearer = nearest === null || Math.abs(frame - state.frame) < Math.abs(nearest - state.frame);
      if (nearer && here.get(id)?.area) nearest = frame;
    }
    return nearest;
  },

  wish() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.rounds = this.rounds.then(() => this.round());
    }, THUMB_PAUSE);
  },

  async round() {
    for (const row of [...this.inView]) {
      const id = Number(row.dataset.object);
      const canvas = find('thumb', row);
      const frame = this.whereSeen(id, canvas);
      if (!row.isConnected) this.inView.delete(row);
      else if (frame === null) this.erase(canvas);
      else await this.draw(id, canvas, frame).catch(() => {}); // a frame that does not come is missed elsewhere, too
    }
  },

  erase(canvas) {
    if (!this.drawn.delete(canvas)) return;
    canvas.width = canvas.height = 0;
  },

  async draw(id, canvas, frame) {
    const record = masks.on(frame).get(id);
    const version = state.version;
    const look = `${objects.color(id)} ${patternOf(id)}`;
    const last = this.drawn.get(canvas);
    if (last?.record === record && last.look === look) return;
    const [bitmap, sprite] = await Promise.all([frames.get(frame), objectSprite(id, record)]);
    if (!sprite || version !== state.version) return;
    this.drawn.set(canvas, { record, look, frame, version });
    canvas.width = canvas.height = Math.round(THUMB_SIDE * Math.min(window.devicePixelRatio || 1, 2));
    drawPart(canvas, bitmap, sprite, frameSize(frame), partAround(record.place, frameSize(frame)));
  },
};

export const thumbnailObserver = new IntersectionObserver(changes => {
  for (const { target, isIntersecting } of changes) objectThumbnails.inView[isIntersecting ? 'add' : 'delete'](target);
  objectThumbnails.wish();
});

export function setUpObjectThumbnails() {
  listen(mount.signal, 'abort', () => thumbnailObserver.disconnect());
  on('objects log masks frame medium', () => objectThumbnails.wish());
}
