// All masks that were received, as PNGs (about a kilobyte each) within a budget, and as sprites. What had to go is requested
// again when its frame is shown.

import { drawSprite } from './sprites.js';

/**
 * @typedef {object} FactsPerFrame
 * @property {Float32Array} predicted_iou
 * @property {Uint32Array} area
 * @property {MaskFacts['rating'][]} rating
 * @property {MaskFacts['warnings'][]} warnings
 */

const MAX_PNG_BYTES = 96e6;
const MAX_SPRITES = 1000;

/** What is known of an object on a frame. */
export const UNKNOWN = 0;
export const MASKED = 1;
export const ABSENT = 2;
export const STALE = 3;

export class MaskCache {
  /** @type {Map<number, Map<number, MaskRecord>>} frame -> object -> record, oldest first */
  frames = new Map();
  /** @type {Map<number, Uint8Array>} object -> UNKNOWN, MASKED, ABSENT or STALE on each frame */
  lanes = new Map();
  /** @type {Map<number, FactsPerFrame>} object -> facts; they stay when PNGs are dropped */
  numbers = new Map();
  bytes = 0; // of all PNGs
  /** @type {Set<number>} frames that have been requested again */
  asked = new Set();
  /** @type {Map<string, number>} "frame/object" -> revision of the last answer to a prompt */
  answers = new Map();
  /** @type {Map<CandidateMask, { key: string; sprite: Promise<Sprite | null> }>} least recently used first */
  sprites = new Map();

  /** @param {number} length of the medium, in frames */
  constructor(length) {
    this.length = length;
  }

  /** @param {number} length */
  clear(length) {
    Object.assign(this, new MaskCache(length));
  }

  /** @param {number} object */
  lane(object) {
    const lane = this.lanes.get(object) ?? new Uint8Array(this.length);
    this.lanes.set(object, lane);
    return lane;
  }

  /**
   * Facts of a mask, also of one whose PNG was dropped.
   * @param {number} object
   * @param {number} frame
   * @returns {MaskFacts | undefined}
   */
  facts(object, frame) {
    const numbers = this.numbers.get(object);
    if (!numbers || !this.lanes.get(object)?.[frame]) return undefined;
    const { predicted_iou, area, rating, warnings } = numbers;
    return {
      predicted_iou: predicted_iou[frame],
      area: area[frame],
      rating: rating[frame],
      warnings: warnings[frame],
    };
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @param {MaskFacts} facts
   */
  #putFacts(frame, object, facts) {
    const numbers = this.numbers.get(object) ?? {
      predicted_iou: new Float32Array(this.length),
      area: new Uint32Array(this.length),
      rating: [],
      warnings: [],
    };
    this.numbers.set(object, numbers);
    numbers.predicted_iou[frame] = facts.predicted_iou;
    numbers.area[frame] = facts.area;
    numbers.rating[frame] = facts.rating;
    numbers.warnings[frame] = facts.warnings;
  }

  /**
   * @param {number} frame
   * @returns {Map<number, MaskRecord>} object -> record
   */
  on(frame) {
    return this.frames.get(frame) ?? new Map();
  }

  /**
   * Is there a mask whose PNG was dropped, and that has not been requested again yet?
   * @param {number} frame
   */
  misses(frame) {
    if (this.asked.has(frame)) return false;
    const records = this.on(frame);
    return [...this.lanes].some(
      ([object, lane]) => (lane[frame] === MASKED || lane[frame] === STALE) && !records.has(object),
    );
  }

  /**
   * A mask that was computed before the last prompt may arrive after the answer to that prompt.
   * @param {number} frame
   * @param {number} object
   * @param {number} revision
   */
  isOutdated(frame, object, revision) {
    return revision < (this.answers.get(`${frame}/${object}`) ?? 0);
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @param {MaskRecord} record
   */
  put(frame, object, record) {
    const records = this.on(frame);
    this.#drop(frame, object);
    this.lane(object)[frame] = record.stale ? STALE : record.area ? MASKED : ABSENT;
    this.#putFacts(frame, object, record);
    records.set(object, record);
    this.frames.delete(frame);
    this.frames.set(frame, records); // newest last
    this.bytes += record.bytes;
    this.asked.delete(frame);
    for (const [oldest, others] of this.frames) {
      if (this.bytes <= MAX_PNG_BYTES || oldest === frame) break;
      for (const other of [...others.keys()]) this.#drop(oldest, other);
      this.frames.delete(oldest);
    }
  }

  /**
   * Drops the PNG; what is known of the mask stays.
   * @param {number} frame
   * @param {number} object
   */
  #drop(frame, object) {
    const records = this.on(frame);
    const record = records.get(object);
    if (!record) return;
    this.bytes -= record.bytes;
    records.delete(object);
    this.sprites.delete(record);
  }

  /**
   * @param {number} frame
   * @param {number} object
   */
  remove(frame, object) {
    this.#drop(frame, object);
    const lane = this.lanes.get(object);
    if (lane) lane[frame] = UNKNOWN;
  }

  /**
   * Removes the masks of these objects on the frames [first, last].
   * @param {[first: number, last: number]} frames
   * @param {number[]} objects
   */
  removeTracked([first, last], objects) {
    for (let frame = first; frame <= last; frame += 1) for (const object of objects) this.remove(frame, object);
  }

  /** @param {number} object */
  removeObject(object) {
    for (const frame of this.frames.keys()) this.#drop(frame, object);
    this.lanes.delete(object);
    this.numbers.delete(object);
  }

  /**
   * Marks an object's masks on the frames `first`..`last` as stale, except on the prompted frame between them.
   * @param {number} object
   * @param {number} first
   * @param {number} last
   * @param {number} prompted
   */
  outdate(object, first, last, prompted) {
    const lane = this.lane(object);
    for (let frame = first; frame <= last; frame += 1)
      if (frame !== prompted && lane[frame] !== UNKNOWN) lane[frame] = STALE;
  }

  /**
   * Marks exactly these frames of an object as stale.
   * @param {number} object
   * @param {[first: number, last: number][]} runs
   */
  setStale(object, runs) {
    const lane = this.lane(object);
    lane.forEach((known, frame) => {
      if (known !== STALE) return;
      const record = this.on(frame).get(object);
      lane[frame] = record && !record.area ? ABSENT : MASKED;
    });
    for (const [first, last] of runs) lane.fill(STALE, first, last + 1);
  }

  any() {
    return [...this.lanes.values()].some(lane => lane.includes(MASKED) || lane.includes(STALE));
  }

  /**
   * Null for an empty mask, and for a PNG that cannot be decoded: the next call tries again.
   * @param {CandidateMask} record
   * @param {string} color
   * @param {number | null} pattern index into PATTERNS
   */
  sprite(record, color, pattern) {
    const key = `${color} ${pattern}`;
    const cached = this.sprites.get(record);
    const entry = cached?.key === key ? cached : { key, sprite: recolored(record, color, pattern, cached?.sprite) };
    this.sprites.delete(record);
    this.sprites.set(record, entry);
    for (const oldest of this.sprites.keys()) {
      if (this.sprites.size <= MAX_SPRITES) break;
      this.sprites.delete(oldest);
    }
    return entry.sprite.catch(() => {
      if (this.sprites.get(record) === entry) this.sprites.delete(record);
      return null;
    });
  }
}

/**
 * A sprite; its shape is the former one's, where there is one.
 * @param {CandidateMask} record
 * @param {string} color
 * @param {number | null} pattern
 * @param {Promise<Sprite | null>} [former]
 */
async function recolored(record, color, pattern, former) {
  const sprite = await former?.catch(() => null);
  return sprite ? { ...sprite, color, pattern } : drawSprite(record, color, pattern);
}

export const masks = new MaskCache(0);
