// The journal: all that the user wants, as a few kilobytes of plain data. Masks are only its consequences.
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
  #worked = {}; // what follows from the steps, worked out when somebody asks

  constructor(plain = {}) {
    this.steps = plain.steps ?? [];
    this.length = plain.length ?? 0;
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
  get last() {
    return this.steps[this.length - 1];
  } // what undo takes back
  get next() {
    return this.steps[this.length];
  } // what redo puts back

  once(name, work) {
    this.#worked[name] ??= work();
    return this.#worked[name];
  }

  // In the order in which things happened.
  get entries() {
    return this.once('entries', () => this.inOrder());
  }

  inOrder() {
    const told = [];
    const later = new Map(); // place of a step -> entries that came after it
    this.steps.slice(0, this.length).forEach((step, place) => {
      for (const entry of step.entries) {
        if (!(entry.after < this.length)) told.push(entry);
        else if (later.has(entry.after)) later.get(entry.after).push(entry);
        else later.set(entry.after, [entry]);
      }
      for (const entry of later.get(place) ?? []) told.push(entry);
    });
    return told;
  }

  // What the server needs to hear to come to the same masks. A prompt that the next word about its object replaces, with
  // nothing tracked in between, changes nothing: masks may be large, and every stroke of a brush says a new one.
  get told() {
    const next = new Map(); // object -> frame of the next prompt about it
    return this.entries
      .filter(entry => !entry.traits)
      .reverse()
      .filter(entry => {
        if (entry.track) next.clear();
        else if (entry.forget || isEmpty(entry.prompt)) next.delete(entry.forget ?? entry.object);
        else if (next.get(entry.object) === entry.frame) return false;
        else next.set(entry.object, entry.frame);
        return true;
      })
      .reverse()
      .map(({ frame, object, prompt, forget, track, objects: found }) => {
        if (prompt) return { frame, object, prompt };
        return forget ? { forget } : { track, objects: found };
      });
  }

  // object -> frame -> prompt: what is said now.
  get prompts() {
    return this.once('prompts', () => fold(this.entries));
  }

  // object -> what the user calls it and how it looks, as far as that was ever said.
  get traits() {
    return this.once('traits', () => {
      const merged = new Map();
      for (const { traits, set, forget } of this.entries) {
        if (forget) merged.delete(forget);
        if (traits) merged.set(traits, { ...merged.get(traits), ...sanitizeTraits(set) });
      }
      return merged;
    });
  }

  // The highest number that an object has or had; what was undone counts, since it may come back.
  get newest() {
    let newest = 0;
    for (const { entries } of this.steps) {
      for (const { object, forget, traits } of entries) newest = Math.max(newest, object ?? forget ?? traits ?? 0);
    }
    return newest;
  }

  prompt(frame, object) {
    return this.prompts.get(object)?.get(frame) ?? {};
  }

  add(entries, run) {
    this.steps.length = this.length;
    for (const step of this.steps) for (const entry of step.entries) if (entry.after >= this.length) delete entry.after;
    this.steps.push(run ? { run, entries } : { entries });
    this.length += 1;
    this.#worked = {};
  }

  // Tracking has computed these objects' masks on a frame, on its way forward (step 1) or backward (-1).
  addTracked(run, frame, step, found) {
    if (!found.length) return;
    if (!this.hasRun(run)) this.add([], run);
    const place = this.placeOf(run);
    const after = place < this.length - 1 ? this.length - 1 : undefined;
    const { entries } = this.steps[place];
    const last = entries[entries.length - 1];
    const objects = [...found].sort((a, b) => a - b);
    const goesOn = last && last.after === after && last.track[1] === frame && last.track[2] === step;
    if (goesOn && `${last.objects}` === `${objects}`) last.track[1] += step;
    else entries.push({ track: [frame, frame + step, step], objects, ...(after === undefined ? {} : { after }) });
    this.#worked.entries = undefined; // tracking says nothing
  }

  placeOf(run) {
    return this.steps.findIndex((step, place) => place < this.length && step.run === run);
  }
  hasRun(run) {
    return run !== undefined && this.placeOf(run) >= 0;
  }

  // A redone run is recorded anew while it is tracked again.
  restart(step, run) {
    Object.assign(step, { run, entries: [] });
    this.#worked = {};
  }

  // Both return the step whose consequences changed, or undefined.
  undo() {
    return this.move(-1, this.last);
  }
  redo() {
    return this.move(1, this.next);
  }

  move(by, step) {
    if (!step) return undefined;
    this.length += by;
    this.#worked = {};
    return step;
  }

  // What never was is not to be redone either.
  dropRedo() {
    this.steps.length = this.length;
  }

  // The messages that make the server agree with the journal again after `step` was undone, or redone but for tracking.
  consequences(step) {
    const said = this.prompts;
    const messages = new Map();
    for (const entry of step.entries) {
      if (entry.track) {
        const [first, last] = span(entry.track);
        messages.set(`track ${messages.size}`, { t: 'untrack', frames: [first, last], objects: entry.objects });
      }
      if (!entry.forget && !entry.prompt) continue;
      const object = entry.forget ?? entry.object;
      const frames = said.get(object);
      if (!frames) messages.set(`${object}`, { t: 'forget', object });
      else
        for (const frame of entry.forget ? frames.keys() : [entry.frame]) {
          messages.set(`${object}/${frame}`, { t: 'prompt', frame, object, prompt: frames.get(frame) ?? {} });
        }
    }
    return [...messages.values()];
  }
}

export function fold(entries) {
  const said = new Map();
  for (const entry of entries) {
    if (entry.forget) said.delete(entry.forget);
    if (!entry.prompt) continue;
    if (!said.has(entry.object)) said.set(entry.object, new Map());
    const frames = said.get(entry.object);
    if (isEmpty(entry.prompt)) frames.delete(entry.frame);
    else frames.set(entry.frame, entry.prompt);
    if (!frames.size) said.delete(entry.object);
  }
  return said;
}

// The first and the last frame of [start, stop, step].
export const span = ([start, stop, step]) => (step > 0 ? [start, stop - 1] : [stop + 1, start]);

export const isEmpty = prompt => !prompt.points?.length && !prompt.boxes?.length && !prompt.mask && !prompt.crop;
