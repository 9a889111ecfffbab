// From what the user does to journal steps, and from those to messages.

import { isEmpty } from '../core/edit_log.js';
import { showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { sendEdits } from '../storage/replay.js';
import { goTo } from '../timeline/navigation.js';
import { masks } from '../viewport/masks.js';
import { roundToTenth } from './geometry.js';

const MAX_SINGLE_PROMPTS = 30; // prompts that are said one by one; more of them are said together

export const prompts = {
  // Clicks: they add to what is said already. Tells whether there was room for them.
  points(places, negative, since) {
    const { frame, active: object } = state;
    const said = state.log.prompt(frame, object);
    const why = this.refusal(frame, object, negative);
    if (why) toast(why, 'hint');
    return !why && places.length > 0 && this.set(frame, object, this.withPoints(said, places, negative), since);
  },

  // Why a click would say nothing here; '' where it would.
  refusal(frame, object, negative) {
    const said = state.log.prompt(frame, object);
    if (negative && isEmpty(said) && !masks.on(frame).get(object)?.area) {
      return 'Click on the thing itself first. Then you can take parts of it away.';
    }
    const isFull = (said.points?.length ?? 0) >= about.max_points;
    return isFull ? `${about.max_points} clicks on one object in one frame is the limit. Undo some of them.` : '';
  },

  withPoints(said, places, negative) {
    const fresh = places.map(place => [...roundToTenth(place), negative ? 0 : 1]);
    return { ...said, points: [...(said.points ?? []), ...fresh].slice(0, about.max_points) };
  },

  // From now on this is all that is said about the object on the frame.
  set(frame, object, said, since) {
    const prompt = tidyPrompt(said, state.log.prompt(frame, object));
    if ((prompt.boxes?.length ?? 0) > about.max_boxes) {
      toast(`${about.max_boxes} boxes around one object in one frame is the limit. Undo some of them.`);
      return undefined;
    }
    if (!objects.mayHave(object)) return undefined;
    state.log.add([{ frame, object, prompt }]);
    connection.request({ t: 'set_prompt', frame, object, prompt, since });
    showTip('');
    emit('interaction');
    emit('log');
    return prompt;
  },

  clearFrame() {
    const here = [...state.log.prompts].filter(([, said]) => said.has(state.frame)).map(([object]) => object);
    this.clearFrameOf(...objects.unlocked(here));
  },

  clearFrameOf(...ids) {
    this.step(ids.map(object => ({ frame: state.frame, object, prompt: {} })));
  },

  remove(object) {
    this.step([{ forget: object }]);
  },

  reset() {
    const going = objects.unlocked([...state.log.prompts.keys()]);
    this.step(going.map(object => ({ forget: object })));
    if (going.length) toast('Everything is cleared. Undo brings it back.', 'hint');
  },

  step(entries, title) {
    if (!entries.length) return;
    state.log.add(entries);
    const step = state.log.last;
    this.settle(step, title, () => {
      if (state.log.last === step) this.takeBack();
    });
  },

  // The last step never was.
  takeBack() {
    const step = state.log.undo();
    state.log.dropRedo();
    this.settle(step);
  },

  // Tells the server what follows. Where that is much, it takes a while, is called `title`, and `back` undoes it again where
  // it is given up.
  settle(step, title = 'Working', back = null) {
    if (!step) return;
    const messages = state.log.consequences(step);
    const together = [];
    for (const message of messages) {
      const { t, frame, object, prompt } = message;
      if (t === 'remove_object') masks.forget(object);
      if (t === 'untrack') masks.untrack(message.frames, message.objects);
      if (t === 'untrack' || messages.length <= MAX_SINGLE_PROMPTS) connection.request(message);
      else together.push(t === 'remove_object' ? { forget: object } : { frame, object, prompt });
      if (together.length && prompt && isEmpty(prompt)) masks.takeBack(frame, object);
    }
    if (together.length) sendEdits(together, title, back);
    const first = step.entries[0] ?? {};
    if (first.frame !== undefined && first.frame !== state.frame) goTo(first.frame);
    if (first.object && state.log.prompts.has(first.object)) update({ active: first.object });
    emit('interaction');
    emit('log');
  },
};

// A pick among candidates is about the first point: it goes with it. What is empty is not said.
function tidyPrompt({ choice, ...said }, before) {
  const kept = Object.fromEntries(Object.entries(said).filter(([, value]) => value && value.length !== 0));
  const isSame = choice !== undefined && String(said.points?.[0]) === String(before.points?.[0]);
  return isEmpty(kept) ? {} : isSame ? { ...kept, choice } : kept;
}

export function setUpPrompts() {
  // A prompt that the server refused is taken back, so that page and server agree; everything else stays.
  on('server-error', message => {
    const question = message.question;
    if (question?.t !== 'set_prompt') return;
    const last = state.log.last?.entries[0];
    if (last?.prompt && last.object === question.object && last.frame === question.frame) {
      state.log.undo();
      state.log.dropRedo();
      emit('log');
    }
  });
}
