// The edit log: everything that the user did, as a few kilobytes of plain data from which all masks can be computed again.
// Its twin in Python is sam2_core/serving/edit_log.py; both are tested on tests/edit_log_cases.json.
//
// A step is what one undo takes back: {entries}, each entry one of
//   {frame, object, prompt}   `prompt` is all that holds for the object on the frame from now on
//   {forget: object}          the object was removed
//   {traits: object, set: {name, label, color, place, locked, …}}   some of its traits (core/traits.js); the server ignores
//                             them
//   {track: [start, stop, step], objects}   these objects were tracked through these frames (none named: all)
//   {reject: frame, mask, predicted_iou, stability_score, seconds}   a mask that the model proposed was rejected
// Steps from `length` on have been undone and can be redone.
//
// A run of tracking is one step, {run, entries}, that grows while frames come in. Edits that are made meanwhile are steps
// after it; what the run finds later carries `after`: the place of the last step that was there before. So undo takes
// steps back in the order in which they were begun, and a replay repeats entries in the order in which they happened.

/** @import { EditLogRequest } from '../protocol.js' */

import { sanitizeTraits } from './traits.js';

/** What holds after a list of entries. */
class EditState {
  /** @type {Map<number, Map<number, Prompt>>} object -> frame -> prompt, of the objects that have one */
  prompts = new Map();
  /** @type {Map<number, Partial<Traits>>} object -> its traits, as far as they were set */
  traits = new Map();
  /** @type {Map<number, Set<number>>} object -> frames on which it was tracked; without removed and cleared objects */
  tracked = new Map();
  /** @type {RejectEntry[]} masks that the model proposed and the user rejected */
  rejected = [];

  /** @param {Entry} entry */
  apply(entry) {
    if (entry.prompt) this.#setPrompt(entry);
    else if (entry.traits) {
      this.traits.set(entry.traits, { ...this.traits.get(entry.traits), ...sanitizeTraits(entry.set) });
    } else if (entry.track) {
      const [first, last] = span(entry.track);
      for (const object of this.trackedObjects(entry).filter(each => this.prompts.has(each))) {
        const frames = this.tracked.get(object) ?? new Set();
        for (let frame = first; frame <= last; frame += 1) frames.add(frame);
        this.tracked.set(object, frames);
      }
    } else if (entry.reject !== undefined) {
      this.rejected.push(entry);
    } else if (entry.forget) {
      for (const ofObject of [this.prompts, this.traits, this.tracked]) ofObject.delete(entry.forget);
    }
  }

  /** @param {PromptEntry} entry */
  #setPrompt({ frame, object, prompt }) {
    const frames = this.prompts.get(object) ?? new Map();
    this.prompts.set(object, frames);
    if (isEmpty(prompt)) frames.delete(frame);
    else frames.set(frame, prompt);
    if (frames.size) return;
    this.prompts.delete(object);
    this.tracked.delete(object);
  }

  /** @param {TrackEntry} entry */
  trackedObjects({ objects }) {
    return objects?.length ? objects : [...this.prompts.keys()];
  }
}

/**
 * What holds after these entries.
 * @param {Entry[]} entries
 */
export function fold(entries) {
  const state = new EditState();
  for (const entry of entries) state.apply(entry);
  return state;
}

export class EditLog {
  /** @type {Entry[] | undefined} computed on demand */
  #entries;
  /** @type {EditState | undefined} computed on demand */
  #state;

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
  /** The step that undo takes back. */
  get last() {
    return this.length ? this.steps[this.length - 1] : undefined;
  }
  /** The step that redo puts back. */
  get next() {
    return this.canRedo ? this.steps[this.length] : undefined;
  }

  /** Of all steps that hold, in the order in which they happened. */
  get entries() {
    this.#entries ??= this.#entriesInOrder();
    return this.#entries;
  }

  #entriesInOrder() {
    /** @type {Entry[]} */
    const entries = [];
    /** @type {Map<number, Entry[]>} place of a step -> entries that came after it */
    const later = new Map();
    this.steps.slice(0, this.length).forEach((step, place) => {
      for (const entry of step.entries) {
        const { after = Infinity } = entry;
        if (after < this.length) later.set(after, [...(later.get(after) ?? []), entry]);
        else entries.push(entry);
      }
      entries.push(...(later.get(place) ?? []));
    });
    return entries;
  }

  #changed() {
    this.#entries = this.#state = undefined;
  }

  /** What holds now. */
  get state() {
    this.#state ??= fold(this.entries);
    return this.#state;
  }
  /** object -> frame -> prompt */
  get prompts() {
    return this.state.prompts;
  }
  /** object -> its traits, as far as they were set */
  get traits() {
    return this.state.traits;
  }
  /** Masks that the model proposed and the user rejected. */
  get rejected() {
    return this.state.rejected;
  }

  /**
   * The entries from which the server computes the same masks. A prompt that the next one about its object replaces, with
   * nothing tracked in between, is left out: masks may be large, and every stroke of a brush makes a new one.
   */
  get neededForReplay() {
    /** @type {Map<number, number>} object -> frame of the next prompt about it */
    const next = new Map();
    /** @type {EditLogRequest['entries']} */
    const needed = [];
    for (const entry of [...this.entries].reverse()) {
      if (entry.track) {
        next.clear();
        needed.push({ track: entry.track, objects: entry.objects });
      } else if (entry.forget) {
        next.delete(entry.forget);
        needed.push({ forget: entry.forget });
      } else if (entry.prompt) {
        const { frame, object, prompt } = entry;
        if (isEmpty(prompt)) next.delete(object);
        else if (next.get(object) === frame) continue;
        else next.set(object, frame);
        needed.push({ frame, object, prompt });
      }
    }
    return needed.reverse();
  }

  /** The highest number that an object has or had; what was undone counts, since it may come back. */
  get newest() {
    const numbers = this.steps.flatMap(step => step.entries.map(entry => entry.object ?? entry.forget ?? entry.traits));
    return numbers.reduce((newest = 0, number = 0) => Math.max(newest, number), 0) ?? 0;
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
   * Adds a step; steps that were undone cannot be redone any more.
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
    this.#changed();
  }

  /**
   * Adds traits to the last step, which one undo takes back as a whole; what was undone can still be redone.
   * @param {number} object
   * @param {Partial<Traits>} set
   */
  amend(object, set) {
    this.last?.entries.push({ traits: object, set });
    this.#changed();
  }

  /**
   * Tracking has computed these objects' masks on a frame, on its way forward (step 1) or backward (-1).
   * @param {number} run
   * @param {number} frame
   * @param {1 | -1} step
   * @param {number[]} tracked
   */
  addTracked(run, frame, step, tracked) {
    if (!tracked.length) return;
    if (!this.hasRun(run)) this.add([], run);
    const place = this.#placeOf(run);
    const after = place < this.length - 1 ? this.length - 1 : undefined;
    const { entries } = this.steps[place];
    const last = entries[entries.length - 1];
    const objects = [...tracked].sort((a, b) => a - b);
    /** @type {TrackEntry} */
    const entry = { track: [frame, frame + step, step], objects };
    const goesOn = last?.track && last.after === after && last.track[1] === frame && last.track[2] === step;
    if (goesOn && `${last.objects}` === `${objects}`) last.track[1] += step;
    else entries.push(after === undefined ? entry : { ...entry, after });
    this.#entries = undefined;
    this.#state?.apply(entry); // it is the last one in any case
  }

  /**
   * A run has made objects.
   * @param {number} run
   * @param {Entry[]} added
   */
  addToRun(run, added) {
    if (!this.hasRun(run)) this.add([], run);
    const place = this.#placeOf(run);
    const after = place < this.length - 1 ? this.length - 1 : undefined;
    this.steps[place].entries.push(...added.map(entry => (after === undefined ? entry : { ...entry, after })));
    this.#changed();
  }

  /** @param {number} [run] */
  #placeOf(run) {
    return this.steps.findIndex((step, place) => place < this.length && step.run === run);
  }
  /** @param {number} [run] */
  hasRun(run) {
    return run !== undefined && this.#placeOf(run) >= 0;
  }

  /**
   * Leaves of a redone run the objects that it made: what it tracked is recorded again while it is tracked again.
   * @param {Step} step
   * @param {number} run
   */
  restart(step, run) {
    const kept = step.entries.filter(entry => !entry.track).map(({ after, ...entry }) => entry);
    Object.assign(step, { run, entries: kept });
    this.#changed();
  }

  /** Returns the step whose consequences changed, or undefined; so does `redo`. */
  undo() {
    return this.#move(-1, this.last);
  }
  redo() {
    return this.#move(1, this.next);
  }

  /**
   * @param {number} by
   * @param {Step} [step]
   */
  #move(by, step) {
    if (!step) return undefined;
    this.length += by;
    this.#changed();
    return step;
  }

  /** For a step that was refused: it cannot be redone. */
  dropRedo() {
    this.steps.length = this.length;
  }

  /**
   * The requests that bring the server in line with the log after `step` was undone, or redone but for tracking.
   * @param {Step} step
   */
  consequences(step) {
    const { prompts } = this;
    /** @type {Map<string, EditRequest>} */
    const requests = new Map();
    for (const entry of step.entries) {
      if (entry.track) {
        const [first, last] = span(entry.track);
        requests.set(`track ${requests.size}`, {
          t: 'untrack',
          frames: [first, last],
          objects: this.state.trackedObjects(entry),
        });
      }
      const object = entry.forget ?? entry.object;
      if (object === undefined) continue;
      const frames = prompts.get(object);
      if (!frames) {
        requests.set(`${object}`, { t: 'remove_object', object });
        continue;
      }
      for (const frame of entry.prompt ? [entry.frame] : frames.keys()) {
        requests.set(`${object}/${frame}`, { t: 'set_prompt', frame, object, prompt: frames.get(frame) ?? {} });
      }
    }
    return [...requests.values()];
  }
}

/**
 * The first and the last frame of [start, stop, step].
 * @param {TrackEntry['track']} frames
 * @returns {[first: number, last: number]}
 */
export const span = ([start, stop, step]) => (step > 0 ? [start, stop - 1] : [stop + 1, start]);

/** @param {Prompt} prompt */
export const isEmpty = prompt => !prompt.points?.length && !prompt.boxes?.length && !prompt.mask && !prompt.crop;

/**
 * The spans of a run of tracking; those that continue each other are joined.
 * @param {Entry[]} entries
 */
export function joinedSpans(entries) {
  /** @type {TrackEntry['track'][]} */
  const spans = [];
  for (const { track } of entries) {
    const last = spans[spans.length - 1];
    if (track && last?.[1] === track[0] && last[2] === track[2]) last[1] = track[1];
    else if (track) spans.push([...track]);
  }
  return spans;
}
