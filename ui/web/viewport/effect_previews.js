// Effect previews: frames as the effects paint them, rendered by the server with the code that renders downloads. One
// request is in flight at a time and the newest one comes next; previews are cached as long as nothing they show changes.

import { currentEffects, usableEffects } from '../core/effects.js';
import { playedRange } from '../core/media.js';
import { mount } from '../core/mount.js';
import { objects } from '../core/objects.js';
import { about, address } from '../core/page.js';
import { state } from '../core/store.js';
import { Refused, refusalOf } from '../net/refusal.js';
import { emit, on } from '../shared/events.js';
/** @import { ExportObject } from '../protocol.js' */
/**
 * @typedef {(bitmap: ImageBitmap | null | undefined) => void} Resolve
 * @typedef {{ key: string; side: number; bitmap: ImageBitmap }} CachedPreview
 */
import { tr } from '../shared/language.js';
import { backdrops } from '../storage/backdrops.js';

const MAX_PREVIEW_BYTES = 128e6; // decoded, 4 bytes a pixel
const ROUGH_SIDE = 640; // pixels of the longer side while a slider moves or the clip plays
const PREVIEWS_AHEAD = 10; // frames that are rendered before they are played
const RETRY_DELAY = 2000; // milliseconds without a request after one that failed

/**
 * What the server is asked to paint, as the query of an address.
 * @param {EffectStack} effects
 * @param {ExportObject[]} shown
 */
export function effectQuery(effects, shown) {
  const colored = shown.map(
    ({ id, color }) => `${id}.${color.map(part => part.toString(16).padStart(2, '0')).join('')}`,
  );
  return `v=${state.version}&effects=${encodeURIComponent(JSON.stringify(effects))}&objects=${colored}`;
}

/**
 * A picture that the server paints. Raises `Refused`.
 * @param {string} path
 * @param {EffectStack} effects that the path asks for
 */
export async function fetchPainted(path, effects) {
  await backdrops.bring(effects);
  const response = await fetch(address(path));
  if (!response.ok) throw await refusalOf(response);
  return response.blob();
}

class PreviewCache {
  epoch = 0; // grows when masks may have changed
  /** @type {Map<number, number>} frame -> how often its own masks have changed */
  #changes = new Map();
  latency = 100; // milliseconds, a running mean
  problem = '';
  #retryTimer = 0;
  /** @type {Map<number, CachedPreview>} frame -> preview, oldest first */
  #cache = new Map();
  /** @type {{ frame: number; resolve: Resolve } | null} the request that comes next */
  #pending = null;
  /** @type {{ frame: number; outdated: boolean } | null} */
  #inFlight = null;
  /** @type {number | null} the frame that is due in playback */
  #due = null;

  clear() {
    for (const { bitmap } of this.#cache.values()) this.#close(bitmap);
    this.#cache = new Map();
    this.#resolvePending(undefined);
    this.#due = null;
    this.retryNow();
  }

  get on() {
    return state.effectsOpen && state.effectsShown && !!state.medium;
  }
  get #side() {
    return state.playing || state.effectsSliding ? Math.min(ROUGH_SIDE, about.max_preview) : about.max_preview;
  }
  get #query() {
    return effectQuery(usableEffects(), objects.forExport());
  }
  get #key() {
    return `${this.#query}&${this.epoch}`;
  }

  /** @param {number} frame */
  #cached(frame, key = this.#key) {
    const preview = this.#cache.get(frame);
    return preview?.key === key && preview.side >= this.#side ? preview.bitmap : null;
  }

  /** @param {ImageBitmap | null | undefined} bitmap */
  #resolvePending(bitmap) {
    this.#pending?.resolve(bitmap);
    this.#pending = null;
  }

  /**
   * The preview of a frame; null where it is not available, undefined where a newer request has replaced this one.
   * @param {number} frame
   * @returns {Promise<ImageBitmap | null | undefined>}
   */
  get(frame) {
    this.#resolvePending(undefined);
    const cached = this.#cached(frame);
    if (cached || this.#retryTimer) return Promise.resolve(cached);
    return new Promise(resolve => {
      this.#pending = { frame, resolve };
      this.pump();
    });
  }

  /**
   * During playback: the newest frame up to `due` whose preview is cached, or null.
   * @param {number} due
   */
  inTime(due) {
    if (this.#retryTimer) return due;
    this.#due = due;
    this.pump();
    const key = this.#key;
    const start = state.shown.frame < due ? state.shown.frame + 1 : due;
    for (let frame = due; frame >= start; frame -= 1) if (this.#cached(frame, key)) return frame;
    return null;
  }

  pump() {
    if (!this.on) return this.#resolvePending(null);
    if (this.#inFlight || this.#retryTimer || mount.signal.aborted) return;
    const pending = this.#pending;
    const cached = pending && this.#cached(pending.frame);
    const next = pending ? pending.frame : this.#frameAhead();
    this.#pending = null;
    if (cached) pending.resolve(cached);
    else if (next !== null) this.#load(next, pending?.resolve);
  }

  /** The first frame without a preview that playback reaches after one has been rendered. */
  #frameAhead() {
    if (!state.playing || !state.medium || this.#due === null) return null;
    const first = this.#due + Math.ceil((this.latency / 1000) * state.medium.fps);
    const key = this.#key;
    const last = Math.min(playedRange().last, first + PREVIEWS_AHEAD);
    for (let frame = Math.min(first, last); frame <= last; frame += 1) if (!this.#cached(frame, key)) return frame;
    return null;
  }

  /**
   * @param {number} frame
   * @param {Resolve} [resolve]
   */
  async #load(frame, resolve) {
    const key = this.#key;
    const side = this.#side;
    const cache = this.#cache;
    const request = { frame, outdated: false };
    const since = performance.now();
    let bitmap = null;
    this.#inFlight = request;
    try {
      bitmap = await this.#fetch(`effects/${frame}?${this.#query}&side=${side}`);
      this.latency += (performance.now() - since - this.latency) / 4;
      if (cache === this.#cache && !request.outdated) this.#put(frame, { key, side, bitmap });
    } catch (error) {
      if (cache === this.#cache) this.#retryLater(error);
    }
    this.#inFlight = null;
    resolve?.(cache === this.#cache ? bitmap : undefined);
    this.pump();
  }

  /**
   * Until then the frames are shown without effects.
   * @param {unknown} error
   */
  #retryLater(error) {
    backdrops.sent.clear(); // the server may have dropped one to make room for others
    this.#setProblem(
      error instanceof Refused ? error.message : tr('The picture could not be painted. Check the connection.'),
    );
    this.#resolvePending(null);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = 0;
      if (this.on) emit('repaint');
    }, RETRY_DELAY);
  }

  /** @param {string} path */
  async #fetch(path) {
    const bitmap = await createImageBitmap(await fetchPainted(path, currentEffects()));
    this.#setProblem('');
    return bitmap;
  }

  /**
   * @param {number} frame
   * @param {CachedPreview} preview
   */
  #put(frame, preview) {
    this.#drop(frame);
    this.#cache.set(frame, preview);
    const { width, height } = preview.bitmap;
    const max = Math.max(4, Math.floor(MAX_PREVIEW_BYTES / (4 * width * height)));
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= max) break;
      this.#drop(oldest);
    }
  }

  /**
   * The masks of the frame have changed.
   * @param {number} frame
   */
  changed(frame) {
    this.#changes.set(frame, (this.#changes.get(frame) ?? 0) + 1);
    this.#drop(frame);
  }

  /**
   * Names the state of the masks of a frame, as far as this page knows.
   * @param {number} frame
   */
  stateOf(frame) {
    return `${this.epoch}.${this.#changes.get(frame) ?? 0}`;
  }

  /** @param {number} frame */
  #drop(frame) {
    if (this.#inFlight?.frame === frame) this.#inFlight.outdated = true;
    const preview = this.#cache.get(frame);
    if (preview) this.#close(preview.bitmap);
    this.#cache.delete(frame);
  }

  /** @param {ImageBitmap} bitmap */
  #close(bitmap) {
    if (bitmap !== state.shown.painted) bitmap.close();
  }

  /** The user has changed something, which may have removed the problem. */
  retryNow() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
  }

  /** @param {string} problem */
  #setProblem(problem) {
    if (problem === this.problem) return;
    this.problem = problem;
    emit('effect-preview');
  }
}

export const previews = new PreviewCache();

export function setUpEffectPreviews() {
  const outdateAll = () => {
    previews.epoch += 1;
  };
  // The answer to a prompt may concern every frame; tracking names the one that has changed.
  on('server-masks', ({ object, run, frame }) => {
    if (object !== undefined) outdateAll();
    else if (run !== undefined) previews.changed(frame);
  });
  on('server-object_removed server-untracked', outdateAll);
  on('server-done', ({ job }) => {
    if (['track', 'replay', 'model'].includes(job)) outdateAll();
  });
  on('medium', () => previews.clear());
  on('effects objects log', () => previews.retryNow());
}
