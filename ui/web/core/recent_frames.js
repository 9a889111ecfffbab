// What is known of the frames that were looked at last.

/** @template T */
export class RecentFrames {
  /** @type {Map<number, T>} the newest last */
  #known = new Map();
  #limit;

  /** @param {number} limit frames */
  constructor(limit) {
    this.#limit = limit;
  }

  /**
   * In place of what was kept of the frame; beyond the limit the oldest goes.
   * @param {number} frame
   * @param {T} value
   */
  keep(frame, value) {
    this.#known.delete(frame);
    this.#known.set(frame, value);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#limit) return;
      this.#known.delete(oldest);
    }
  }

  /**
   * What was kept of the frame, which is not kept any more.
   * @param {number} frame
   */
  take(frame) {
    const value = this.#known.get(frame);
    this.#known.delete(frame);
    return value;
  }

  clear() {
    this.#known.clear();
  }
}
