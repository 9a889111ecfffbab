// The edit log: all that the user wants, as a few kilobytes of plain data. Masks are only its consequences.
//
// A step is what one undo takes back: {entries}, each entry one of
//   {frame, object, prompt}   from now on this is all that is said about the object on the frame
//   {forget: object}          the object is removed
//   {traits: object, set: {name, label, color, place, locked}}   some of these; the page's own, the server never hears it
//   {track: [start, stop, step], objects}   these objects' masks on these frames were computed by tracking
// Steps from `length` on have been undone and can be redone.
//
// A run of tracking is one step, {run, entries}, that grows while frames come in. What is said meanwhile makes steps
// after it; what the run finds later carries `after`: the place of the last step that was there before. So undo takes
// things back in the order in which they were begun, and a replay says them in the order in which they happened.

import { sanitizeTraits } from './traits.js';

export class EditLog {
  /** @type {Record<string, any>} what follows from the steps, computed on demand */
  #computed = {};

  /** @param {{ steps?: Step[], length?: number }} [plain] */
  constructor({ steps = [], length = 0 } = {}) {
    this.steps = steps;
    this.length = length;
  }

  get plain() {
    return { steps: this.steps, length: this.length };
  }
  get canUndo() {
    return this.length > 0;
  }
  get canRedo() {
    return this.length < this.steps.length;
  }
  /** What undo takes back. */
  get last() {
    return this.length ? this.steps[this.length - 1] : undefined;
  }
  /** What redo puts back. */
  get next() {
    return this.canRedo ? this.steps[this.length] : undefined;
  }

  /**
   * @template T
   * @param {string} name
   * @param {() => T} compute
   * @returns {T}
   */
  once(name, compute) {
    this.#computed[name] ??= compute();
    return this.#computed[name];
  }

  /** Of all steps that hold, in the order in which things happened. */
  get entries() {
    return this.once('entries', () => this.inOrder());
  }

  inOrder() {
    /** @type {Entry[]} */
    const told = [];
    /** @type {Map<number, Entry[]>} place of a step -> entries that came after it */
    const later = new Map();
    this.steps.slice(0, this.length).forEach((step, place) => {
      for (const entry of step.entries) {
        const { after = Infinity } = entry;
        if (after < this.length) later.set(after, [...(later.get(after) ?? []), entry]);
        else told.push(entry);
      }
      for (const entry of later.get(place) ?? []) told.push(entry);
    });
    return told;
  }

  /**
   * What the server needs to come to the same masks. A prompt that the next one about its object replaces, with nothing
   * tracked in between, changes nothing: masks may be large, and every stroke of a brush makes a new one.
   */
  get told() {
    /** @type {Map<number, number>} object -> frame of the next prompt about it */
    const next = new Map();
    const told = [];
    for (const entry of [...this.entries].reverse()) {
      if (entry.track) {
        next.clear();
        told.push({ track: entry.track, objects: entry.objects });
      } else if (entry.forget) {
        next.delete(entry.forget);
        told.push({ forget: entry.forget });
      } else if (entry.prompt) {
        const { frame, object, prompt } = entry;
        if (isEmpty(prompt)) next.delete(object);
        else if (next.get(object) === frame) continue;
        else next.set(object, frame);
        told.push({ frame, object, prompt });
      }
    }
    return told.reverse();
  }

  /** object -> frame -> prompt: what holds now. */
  get prompts() {
    return this.once('prompts', () => fold(this.entries));
  }

  /** object -> what the user calls it and how it looks, as far as that was ever set. */
  get traits() {
    return this.once('traits', () => {
      /** @type {Map<number, Partial<Traits>>} */
      const merged = new Map();
      for (const entry of this.entries) {
        if (entry.forget) merged.delete(entry.forget);
        if (entry.traits) merged.set(entry.traits, { ...merged.get(entry.traits), ...sanitizeTraits(entry.set) });
      }
      return merged;
    });
  }

  /** The highest number that an object has or had; what was undone counts, since it may come back. */
  get newest() {
    let newest = 0;
    for (const { entries } of this.steps) {
      for (const { object, forget, traits } of entries) newest = Math.max(newest, object ?? forget ?? traits ?? 0);
    }
    return newest;
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @returns {Prompt}
   */
  prompt(frame, object) {
    return this.prompts.get(object)?.get(frame) ?? {};
  }

  /**
   * Adds a step; what was undone cannot be redone any more.
   * @param {Entry[]} entries
   * @param {number} [run]
   */
  add(entries, run) {
    this.steps.length = this.length;
    for (const entry of this.steps.flatMap(step => step.entries)) {
      if ((entry.after ?? -1) >= this.length) delete entry.after;
    }
    this.steps.push(run ? { run, entries } : { entries });
    this.length += 1;
    this.#computed = {};
  }

  /**
   * Tracking has computed these objects' masks on a frame, on its way forward (step 1) or backward (-1).
   * @param {number} run
   * @param {number} frame
   * @param {number} step
   * @param {number[]} found
   */
  addTracked(run, frame, step, found) {
    if (!found.length) return;
    if (!this.hasRun(run)) this.add([], run);
    const place = this.placeOf(run);
    const after = place < this.length - 1 ? this.length - 1 : undefined;
    const { entries } = this.steps[place];
    const last = entries[entries.length - 1];
    const objects = [...found].sort((a, b) => a - b);
    const goesOn = last?.track && last.after === after && last.track[1] === frame && last.track[2] === step;
    if (goesOn && `${last.objects}` === `${objects}`) last.track[1] += step;
    else entries.push({ track: [frame, frame + step, step], objects, ...(after === undefined ? {} : { after }) });
    this.#computed.entries = undefined; // prompts and traits stay as they are
  }

  /** @param {number} [run] */
  placeOf(run) {
    return this.steps.findIndex((step, place) => place < this.length && step.run === run);
  }
  /** @param {number} [run] */
  hasRun(run) {
    return run !== undefined && this.placeOf(run) >= 0;
  }

  /**
   * A redone run is recorded anew while it is tracked again.
   * @param {Step} step
   * @param {number} run
   */
  restart(step, run) {
    Object.assign(step, { run, entries: [] });
    this.#computed = {};
  }

  // Both return the step whose consequences changed, or undefined.
  undo() {
    return this.move(-1, this.last);
  }
  redo() {
    return this.move(1, this.next);
  }

  /**
   * @param {number} by
   * @param {Step} [step]
   */
  move(by, step) {
    if (!step) return undefined;
    this.length += by;
    this.#computed = {};
    return step;
  }

  // What never was is not to be redone either.
  dropRedo() {
    this.steps.length = this.length;
  }

  /**
   * The messages that make the server agree with the log again after `step` was undone, or redone but for tracking.
   * @param {Step} step
   */
  consequences(step) {
    const { prompts } = this;
    /** @type {Map<string, EditRequest>} */
    const messages = new Map();
    for (const entry of step.entries) {
      if (entry.track) {
        const [first, last] = span(entry.track);
        messages.set(`track ${messages.size}`, { t: 'untrack', frames: [first, last], objects: entry.objects });
      }
      const object = entry.forget ?? entry.object;
      if (object === undefined) continue;
      const frames = prompts.get(object);
      if (!frames) {
        messages.set(`${object}`, { t: 'remove_object', object });
        continue;
      }
      for (const frame of entry.prompt ? [entry.frame] : frames.keys()) {
        messages.set(`${object}/${frame}`, { t: 'set_prompt', frame, object, prompt: frames.get(frame) ?? {} });
      }
    }
    return [...messages.values()];
  }
}

/**
 * object -> frame -> prompt after all these entries.
 * @param {Entry[]} entries
 */
export function fold(entries) {
  /** @type {Map<number, Map<number, Prompt>>} */
  const said = new Map();
  for (const entry of entries) {
    if (entry.forget) said.delete(entry.forget);
    if (!entry.prompt) continue;
    const frames = said.get(entry.object) ?? new Map();
    said.set(entry.object, frames);
    if (isEmpty(entry.prompt)) frames.delete(entry.frame);
    else frames.set(entry.frame, entry.prompt);
    if (!frames.size) said.delete(entry.object);
  }
  return said;
}

/**
 * The first and the last frame of [start, stop, step].
 * @param {[start: number, stop: number, step: number]} frames
 * @returns {[first: number, last: number]}
 */
export const span = ([start, stop, step]) => (step > 0 ? [start, stop - 1] : [stop + 1, start]);

/** @param {Prompt} prompt */
export const isEmpty = prompt => !prompt.points?.length && !prompt.boxes?.length && !prompt.mask && !prompt.crop;
