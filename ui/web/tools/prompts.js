// What the user does becomes a step of the edit log, and the step becomes requests to the server.

import { isEmpty } from '../core/edit_log.js';
import { showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { madeByPerson } from '../core/provenance.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { sendEdits } from '../storage/edit_log_replay.js';
import { goTo } from '../timeline/navigation.js';
import { masks } from '../viewport/masks.js';
import { newColor } from './new_color.js';
import { tidyPrompt, withPoints } from './prompt_edits.js';
import { withCropInView } from './view_crop.js';

const MAX_SINGLE_REQUESTS = 30; // more of them are sent as one
const LOG_SHARE = 0.9; // of the longest message, which the edit log with what is added must fit into

/** Takes back the last step so that it cannot be redone. */
function discardStep() {
  const step = state.log.undo();
  state.log.dropRedo();
  return step;
}

export const prompts = {
  /**
   * Adds points to the prompt of the selected object. Returns whether the prompt was set.
   * @param {Position[]} positions
   * @param {boolean} negative
   * @param {number} since when the user clicked
   */
  addPoints(positions, negative, since) {
    const { frame, active: object } = state;
    const why = this.refusal(frame, object, negative);
    if (why) toast(why, 'hint');
    if (why || !positions.length) return false;
    const prompt = withPoints(state.log.prompt(frame, object), positions, negative, about.max_points);
    return this.set(frame, object, withCropInView(prompt), since) !== undefined;
  },

  /**
   * Why no point can be added, for the user; '' where it can.
   * @param {number} frame
   * @param {number} object
   * @param {boolean} negative
   */
  refusal(frame, object, negative) {
    const prompt = state.log.prompt(frame, object);
    if (negative && isEmpty(prompt) && !masks.on(frame).get(object)?.area) {
      return tr('Click on the thing itself first. Then you can take parts of it away.');
    }
    const isFull = (prompt.points?.length ?? 0) >= about.max_points;
    return isFull
      ? tr('{n} clicks on one object in one frame is the limit. Undo some of them.', { n: about.max_points })
      : '';
  },

  /**
   * Sets the prompt of an object on a frame. Returns it as it was set, or undefined where that is not possible.
   * @param {number} frame
   * @param {number} object
   * @param {Prompt} wanted
   * @param {number} [since] when the user clicked
   * @param {TraitsEntry[]} [provenance] who made the mask
   */
  set(frame, object, wanted, since, provenance = madeByPerson(object)) {
    const prompt = tidyPrompt(wanted, state.log.prompt(frame, object));
    if ((prompt.boxes?.length ?? 0) > about.max_boxes) {
      toast(tr('{n} boxes around one object in one frame is the limit. Undo some of them.', { n: about.max_boxes }));
      return undefined;
    }
    if (!objects.mayHave(object)) return undefined;
    state.log.add([{ frame, object, prompt }, ...provenance, ...newColor(frame, object, prompt)]);
    connection.request({ t: 'set_prompt', frame, object, prompt, since });
    showTip('');
    emit('interaction');
    emit('log');
    return prompt;
  },

  /** How many objects, prompts and characters can still be added to the edit log. */
  get room() {
    const { log } = state;
    const promptCount = [...log.prompts.values()].reduce((sum, frames) => sum + frames.size, 0);
    return {
      objects: Math.max(0, about.max_objects - log.prompts.size),
      prompts: Math.max(0, about.max_prompts - promptCount),
      characters: Math.max(0, Math.floor(LOG_SHARE * about.max_message) - JSON.stringify(log.neededForReplay).length),
    };
  },

  clearFrame() {
    const prompted = [...state.log.prompts].filter(([, frames]) => frames.has(state.frame)).map(([object]) => object);
    this.clearFrameOf(...objects.unlocked(prompted));
  },

  /** @param {number[]} ids */
  clearFrameOf(...ids) {
    this.addStep(ids.map(object => ({ frame: state.frame, object, prompt: {} })));
  },

  /** @param {number} object */
  remove(object) {
    this.addStep([{ forget: object }]);
  },

  /** Removes all objects but the locked ones. */
  reset() {
    const removed = objects.unlocked([...state.log.prompts.keys()]);
    this.addStep(removed.map(object => ({ forget: object })));
    if (removed.length) toast(tr('Everything is cleared. Undo brings it back.'), 'hint');
  },

  /**
   * @param {Entry[]} entries
   * @param {string} [title] of the progress overlay
   */
  addStep(entries, title) {
    if (!entries.length) return;
    state.log.add(entries);
    const step = state.log.last;
    this.syncStep(step, title, () => {
      if (state.log.last === step) this.syncStep(discardStep());
    });
  },

  /**
   * Puts other entries in the place of the last step's; what is in both stays as it is. Returns the step, if any.
   * @param {Entry[]} entries
   */
  replaceStep(entries) {
    const former = discardStep()?.entries ?? [];
    if (entries.length) state.log.add(entries);
    const [before, after] = [former, entries].map(list => new Set(list.map(entry => JSON.stringify(entry))));
    const gone = former.filter(entry => !after.has(JSON.stringify(entry)));
    const added = entries.filter(entry => !before.has(JSON.stringify(entry)));
    const { prompts: left } = state.log;
    const selected = [state.active, ...left.keys()].find(id => left.has(id)) ?? objects.unused;
    this.syncStep({ entries: [...added, ...gone] });
    objects.select(selected);
    return entries.length ? state.log.last : undefined;
  },

  /**
   * Brings server and page in line with a step that was added, undone or redone. Where many prompts change, a progress
   * overlay is shown, and `back` is called where the user cancels.
   * @param {Step | undefined} step
   * @param {string} [title] of the overlay
   * @param {(() => void) | null} [back]
   */
  syncStep(step, title = tr('Working'), back = null) {
    if (!step) return;
    const requests = state.log.consequences(step);
    const isBatch = requests.length > MAX_SINGLE_REQUESTS;
    const batch = [];
    for (const request of requests) {
      if (request.t === 'untrack') masks.removeTracked(request.frames, request.objects);
      if (request.t === 'remove_object') masks.removeObject(request.object);
      if (request.t === 'untrack' || !isBatch) connection.request(request);
      else if (request.t === 'remove_object') batch.push({ forget: request.object });
      else {
        const { frame, object, prompt } = request;
        batch.push({ frame, object, prompt });
        if (isEmpty(prompt)) masks.remove(frame, object);
      }
    }
    if (batch.length) sendEdits(batch, title, back);
    const [{ object, reject, frame = reject } = /** @type {Partial<Entry>} */ ({})] = step.entries;
    if (frame !== undefined && frame !== state.frame) goTo(frame);
    if (object && state.log.prompts.has(object)) update({ active: object });
    emit('interaction');
    emit('log');
  },
};

export function setUpPrompts() {
  // A prompt that the server refused is taken back, so that page and server agree.
  on('server-error', ({ question }) => {
    if (question?.t !== 'set_prompt') return;
    const last = state.log.last?.entries[0];
    if (!last?.prompt || last.object !== question.object || last.frame !== question.frame) return;
    discardStep();
    emit('log');
  });
}
