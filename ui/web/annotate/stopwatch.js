// How long a person works on an object: from its first prompt until the next object, without pauses.

/** Seconds without anything done that count as a pause. */
export const MAX_PAUSE = 60;

export class Stopwatch {
  #clock;
  #seconds = 0;
  #last = 0; // when something was done
  /** The object that is worked on; 0: none. */
  object = 0;

  /** @param {() => number} [clock] in seconds */
  constructor(clock = () => performance.now() / 1000) {
    this.#clock = clock;
  }

  /**
   * Something was asked for this object: its time goes on, or begins.
   * @param {number} object
   */
  begin(object) {
    if (object === this.object) return this.act();
    Object.assign(this, { object });
    this.#seconds = 0;
    this.#last = this.#clock();
  }

  /** Something was done: the time since the last such moment counts, unless it was a pause. */
  act() {
    const now = this.#clock();
    if (now - this.#last <= MAX_PAUSE) this.#seconds += now - this.#last;
    this.#last = now;
  }

  /** The seconds of the object, whose time is over. */
  end() {
    if (this.object) this.act();
    this.object = 0;
    return this.#seconds;
  }
}
