// Painted frames: what the look gives, painted by the server with the code that paints downloads. One request is on its
// way at a time and the newest wish comes next; what was painted stays, as long as nothing has changed.

import { currentLook, readyLook } from '../core/effects.js';
import { playedRange } from '../core/media.js';
import { mount } from '../core/mount.js';
import { objects } from '../core/objects.js';
import { about, address } from '../core/page.js';
import { state } from '../core/store.js';
import { Refused, refusalOf } from '../net/refusal.js';
import { emit, on } from '../shared/events.js';
import { backdrops } from '../storage/backdrops.js';

const PREVIEW_MEMORY = 128e6; // bytes of decoded pictures
const ROUGH = 640; // pixels of the longer side, while things move
const PREVIEWS_AHEAD = 10; // frames that are painted before they are played
const PREVIEW_REST = 2000; // milliseconds without a request after one that failed

class PreviewCache {
  constructor() {
    this.epoch = 0; // grows when masks may have changed
    this.latency = 100; // milliseconds, of the last requests
    this.problem = '';
    this.resting = 0; // the timer of a rest
    this.clear();
  }

  clear() {
    for (const { bitmap } of this.kept?.values() ?? []) this.close(bitmap);
    this.kept = new Map(); // frame -> {key, side, bitmap}, the one used last at the end
    this.wish?.answer(undefined);
    this.wish = null; // {frame, answer}: what comes next
    this.due = null; // the frame that is played
    this.wake();
  }

  get on() {
    return state.effectsOpen && state.effectsShown && !!state.medium;
  }
  get side() {
    return state.playing || state.effectsSliding ? Math.min(ROUGH, about.max_preview) : about.max_preview;
  }
  get query() {
    const named = objects
      .forExport()
      .map(({ id, color }) => `${id}.${color.map(part => part.toString(16).padStart(2, '0')).join('')}`);
    return `v=${state.version}&effects=${encodeURIComponent(JSON.stringify(readyLook()))}&objects=${named}`;
  }
  get key() {
    return `${this.query}&${this.epoch}`;
  }

  peek(frame, key = this.key) {
    const kept = this.kept.get(frame);
    return kept?.key === key && kept.side >= this.side ? kept.bitmap : null;
  }

  // The painted frame; null where it cannot be had, undefined where another wish has overtaken this one.
  get(frame) {
    const ready = this.peek(frame);
    this.wish?.answer(undefined);
    this.wish = null;
    if (ready || this.resting) return Promise.resolve(ready);
    return new Promise(answer => {
      this.wish = { frame, answer };
      this.pump();
    });
  }

  // While the clip plays: the newest frame up to the due one that is painted in time, or null.
  inTime(due) {
    if (this.resting) return due;
    this.due = due;
    this.pump();
    const key = this.key;
    const start = state.shown.frame < due ? state.shown.frame + 1 : due;
    for (let frame = due; frame >= start; frame -= 1) if (this.peek(frame, key)) return frame;
    return null;
  }

  pump() {
    const { wish } = this;
    if (!this.on) {
      // the frame is shown as it is
      this.wish = null;
      return wish?.answer(null);
    }
    if (this.flying || this.resting || mount.signal.aborted) return;
    const ready = wish && this.peek(wish.frame);
    const next = wish ? wish.frame : this.ahead();
    this.wish = null;
    if (ready) wish.answer(ready);
    else if (next !== null) this.load(next, wish?.answer);
  }

  // What will be due when it comes.
  ahead() {
    if (!state.playing || this.due === null) return null;
    const first = this.due + Math.ceil((this.latency / 1000) * state.medium.fps);
    const key = this.key;
    const last = Math.min(playedRange().last, first + PREVIEWS_AHEAD);
    for (let frame = Math.min(first, last); frame <= last; frame += 1) if (!this.peek(frame, key)) return frame;
    return null;
  }

  async load(frame, answer) {
    const { key, side, kept } = this;
    const flying = { frame, spoiled: false };
    const since = performance.now();
    let bitmap = null;
    this.flying = flying;
    try {
      bitmap = await this.fetch(`effects/${frame}?${this.query}&side=${side}`);
      this.latency += (performance.now() - since - this.latency) / 4;
      if (kept === this.kept && !flying.spoiled) this.keep(frame, { key, side, bitmap });
    } catch (error) {
      if (kept === this.kept) this.rest(error);
    }
    this.flying = null;
    answer?.(kept === this.kept ? bitmap : undefined);
    this.pump();
  }

  // The frames are shown as they are, and it is tried again.
  rest(error) {
    backdrops.sent.clear(); // one may have had to make room for others
    this.say(error instanceof Refused ? error.message : 'The picture could not be painted. Check the connection.');
    this.wish?.answer(null);
    this.wish = null;
    this.resting = setTimeout(() => {
      this.resting = 0;
      if (this.on) emit('repaint');
    }, PREVIEW_REST);
  }

  async fetch(path) {
    await backdrops.bring(currentLook());
    const answer = await fetch(address(path));
    if (!answer.ok) throw await refusalOf(answer);
    const bitmap = await createImageBitmap(await answer.blob());
    this.say('');
    return bitmap;
  }

  keep(frame, painted) {
    this.drop(frame);
    this.kept.set(frame, painted);
    const room = Math.max(4, Math.floor(PREVIEW_MEMORY / (4 * painted.bitmap.width * painted.bitmap.height)));
    while (this.kept.size > room) this.drop(this.kept.keys().next().value);
  }

  // Its masks are other ones now.
  drop(frame) {
    if (this.flying?.frame === frame) this.flying.spoiled = true;
    if (!this.kept.has(frame)) return;
    this.close(this.kept.get(frame).bitmap);
    this.kept.delete(frame);
  }

  close(bitmap) {
    if (bitmap !== state.shown.painted) bitmap.close();
  }

  // Whoever has changed something does not wait for the end of a rest.
  wake() {
    clearTimeout(this.resting);
    this.resting = 0;
  }

  say(problem) {
    if (problem === this.problem) return;
    this.problem = problem;
    emit('effect-preview');
  }
}

export const previews = new PreviewCache();

// The server's answer to a prompt may concern every frame; tracking says which one.
const outdatePreviews = () => {
  previews.epoch += 1;
};

export function setUpEffectPreviews() {
  on('server-masks', ({ object, run, frame }) => {
    if (object !== undefined) outdatePreviews();
    else if (run !== undefined) previews.drop(frame);
  });
  on('server-object_removed server-untracked', outdatePreviews);
  on('server-done', ({ job }) => {
    if (['track', 'replay', 'model'].includes(job)) outdatePreviews();
  });
  on('medium', () => previews.clear());
  on('effects objects log', () => previews.wake());
}
