// The journal: all that the user wants, as a few kilobytes of plain data. Masks are only its consequences.
//
// A step is what one undo takes back: {entries}, each entry one of
//   {frame, object, prompt}   from now on this is all that is said about the object on the frame
//   {forget: object}          the object is removed
//   {track: [start, stop, step]}
// Steps from `length` on have been undone and can be redone. Tracking is recorded but never undone by itself: it costs
// time and destroys nothing.

class Journal {
  constructor(plain = {}) {
    this.steps = plain.steps ?? [];
    this.length = plain.length ?? 0;
  }

  get entries() { return this.steps.slice(0, this.length).flatMap(step => step.entries); }
  get canUndo() { return this.steps.slice(0, this.length).some(step => !step.entries[0].track); }
  get canRedo() { return this.length < this.steps.length; }

  add(entries) {
    this.steps.length = this.length;
    this.steps.push({ entries });
    this.length += 1;
  }

  addTracked(frame, step) {
    const last = this.steps[this.length - 1]?.entries[0].track;
    if (last && last[2] === step && last[1] === frame) {
      last[1] += step;
      return;
    }
    this.steps.splice(this.length, 0, { entries: [{ track: [frame, frame + step, step] }] });
    this.length += 1;
  }

  // What the server needs to hear of it: a prompt that the next word about its object replaces, with nothing tracked in
  // between, changes nothing. Masks may be large, and every stroke of a brush says a new one.
  get needed() {
    const next = new Map();          // object -> frame of the next prompt about it
    return this.entries.reverse().filter(entry => {
      if (entry.track) next.clear();
      else if (entry.forget || isEmpty(entry.prompt)) next.delete(entry.forget ?? entry.object);
      else if (next.get(entry.object) === entry.frame) return false;
      else next.set(entry.object, entry.frame);
      return true;
    }).reverse();
  }

  // Both return the step whose consequences changed, or undefined.
  undo() {
    let last = this.length - 1;
    while (last >= 0 && this.steps[last].entries[0].track) last -= 1;
    if (last < 0) return undefined;
    const [step] = this.steps.splice(last, 1);
    this.length -= 1;
    this.steps.splice(this.length, 0, step);
    return step;
  }

  redo() {
    const step = this.steps[this.length];
    if (step) this.length += 1;
    return step;
  }

  // object -> frame -> prompt: what is said now.
  get said() {
    const said = new Map();
    for (const entry of this.entries) {
      if (entry.forget) said.delete(entry.forget);
      else if (entry.prompt) {
        if (!said.has(entry.object)) said.set(entry.object, new Map());
        const frames = said.get(entry.object);
        if (isEmpty(entry.prompt)) frames.delete(entry.frame);
        else frames.set(entry.frame, entry.prompt);
        if (!frames.size) said.delete(entry.object);
      }
    }
    return said;
  }

  prompt(frame, object) { return this.said.get(object)?.get(frame) ?? {}; }

  // The messages that make the server agree with the journal again after `step` was undone or redone.
  consequences(step) {
    const said = this.said, messages = new Map();
    for (const entry of step.entries) {
      const object = entry.forget ?? entry.object, frames = said.get(object);
      if (!frames) messages.set(`${object}`, { t: 'forget', object });
      else for (const frame of entry.forget ? frames.keys() : [entry.frame]) {
        messages.set(`${object}/${frame}`, { t: 'prompt', frame, object, prompt: frames.get(frame) ?? {} });
      }
    }
    return [...messages.values()];
  }
}

const isEmpty = prompt => !prompt.points?.length && !prompt.boxes?.length && !prompt.mask && !prompt.crop;

let journal = new Journal();
