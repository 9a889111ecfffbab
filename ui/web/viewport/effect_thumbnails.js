// Small pictures of the current frame, each with other effects, painted by the server: for the presets and the kinds of
// download. They come one after the other, while the viewport itself waits for nothing.

/** @import { ExportObject } from '../protocol.js' */
/** @typedef {{ picture: HTMLImageElement; effects: EffectStack }} Slot */

import { mount } from '../core/mount.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { effectQuery, fetchPainted, previews } from './effect_previews.js';

const SIDE = 256; // pixels of the longer side
const MAX_THUMBNAILS = 64;
const SETTLE_DELAY = 200; // milliseconds without a change before any is asked for

class EffectThumbnails {
  /** @type {Map<string, string>} path -> address of the picture, oldest first */
  #cache = new Map();
  /** @type {Slot[]} */
  #slots = [];
  /** @type {ExportObject[]} */
  #objects = [];
  #timer = 0;
  #isLoading = false;

  /**
   * Fills pictures, soon and in their order; those that were asked for before are forgotten.
   * @param {Slot[]} slots
   * @param {ExportObject[]} objects that are painted
   */
  show(slots, objects) {
    this.#slots = slots.filter(slot => !this.#showCached(slot, objects));
    this.#objects = objects;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#pump(), SETTLE_DELAY);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#slots = [];
    for (const url of this.#cache.values()) URL.revokeObjectURL(url);
    this.#cache.clear();
  }

  /**
   * @param {EffectStack} effects
   * @param {ExportObject[]} objects
   */
  #pathOf(effects, objects) {
    return `presets/${state.frame}?${effectQuery(effects, objects)}&side=${SIDE}&state=${previews.stateOf(state.frame)}`;
  }

  /**
   * @param {Slot} slot
   * @param {ExportObject[]} objects
   */
  #showCached({ picture, effects }, objects) {
    const url = this.#cache.get(this.#pathOf(effects, objects));
    if (url) picture.src = url;
    return !!url;
  }

  async #pump() {
    if (this.#isLoading || state.playing || state.tracking || mount.signal.aborted) return;
    const slot = this.#slots.shift();
    if (!slot) return;
    this.#isLoading = true;
    try {
      await this.#load(slot, this.#objects);
    } catch {
      // the picture stays as it is: the viewport's own preview says what is wrong
    }
    this.#isLoading = false;
    this.#pump();
  }

  /**
   * @param {Slot} slot
   * @param {ExportObject[]} objects
   */
  async #load({ picture, effects }, objects) {
    const path = this.#pathOf(effects, objects);
    const { version } = state;
    const blob = await fetchPainted(path, effects);
    if (version !== state.version) return;
    const url = URL.createObjectURL(blob);
    this.#cache.set(path, url);
    picture.src = url;
    const [oldest] = this.#cache;
    if (this.#cache.size > MAX_THUMBNAILS) {
      URL.revokeObjectURL(oldest[1]);
      this.#cache.delete(oldest[0]);
    }
  }
}

export const effectThumbnails = new EffectThumbnails();

export function setUpEffectThumbnails() {
  on('medium', () => effectThumbnails.clear());
}
