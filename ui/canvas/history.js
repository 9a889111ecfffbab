// From what the user does to journal steps, and from those to messages.

const MOST_ALONE = 30;           // prompts that are said one by one; more of them are said together

const prompts = {
  // Clicks: they add to what is said already. Tells whether there was room for them.
  points(places, negative, since) {
    const { frame, active: object } = state, said = journal.prompt(frame, object), why = this.refusal(frame, object, negative);
    if (why) toast(why, 'hint');
    return !why && places.length > 0 && this.set(frame, object, this.withPoints(said, places, negative), since);
  },

  // Why a click would say nothing here; '' where it would.
  refusal(frame, object, negative) {
    const said = journal.prompt(frame, object);
    if (negative && isEmpty(said) && !masks.on(frame).get(object)?.area) {
      return 'Click on the thing itself first. Then you can take parts of it away.';
    }
    const isFull = (said.points?.length ?? 0) >= about.max_points;
    return isFull ? `${about.max_points} clicks on one object in one frame is the limit. Undo some of them.` : '';
  },

  withPoints(said, places, negative) {
    const fresh = places.map(place => [...fine(place), negative ? 0 : 1]);
    return { ...said, points: [...(said.points ?? []), ...fresh].slice(0, about.max_points) };
  },

  // From now on this is all that is said about the object on the frame.
  set(frame, object, said, since) {
    const prompt = tidy(said, journal.prompt(frame, object));
    if ((prompt.boxes?.length ?? 0) > about.max_boxes) {
      toast(`${about.max_boxes} boxes around one object in one frame is the limit. Undo some of them.`);
      return undefined;
    }
    if (!objects.mayHave(object)) return undefined;
    journal.add([{ frame, object, prompt }]);
    line.ask({ t: 'prompt', frame, object, prompt, since });
    tip('');
    tell('touched');
    tell('journal');
    return prompt;
  },

  clearFrame() {
    const here = [...journal.said].filter(([, said]) => said.has(state.frame))
      .map(([object]) => object);
    this.clearFrameOf(...objects.unlocked(here));
  },

  clearFrameOf(...ids) { this.step(ids.map(object => ({ frame: state.frame, object, prompt: {} }))); },

  remove(object) { this.step([{ forget: object }]); },

  reset() {
    const going = objects.unlocked([...journal.said.keys()]);
    this.step(going.map(object => ({ forget: object })));
    if (going.length) toast('Everything is cleared. Undo brings it back.', 'hint');
  },

  step(entries, title) {
    if (!entries.length) return;
    journal.add(entries);
    const step = journal.last;
    this.settle(step, title, () => { if (journal.last === step) this.takeBack(); });
  },

  // The last step never was.
  takeBack() {
    const step = journal.undo();
    journal.dropRedo();
    this.settle(step);
  },

  // A run that is still going on is stopped first; it is taken back once it has ended (retracking.js).
  undo() {
    if (isRunning(journal.last)) return undoRun();
    if (isTracked(journal.last)) leftOff = null;       // nobody wants to go on with it
    const step = journal.undo();
    this.settle(step, 'Undoing', () => { if (journal.next === step) this.redo(); });
  },

  redo() {
    if (isTracked(journal.next)) return redoRun();
    const step = journal.redo();
    this.settle(step, 'Redoing', () => { if (journal.last === step) this.undo(); });
  },

  // Tells the server what follows. Where that is much, it takes a while, is called `title`, and `back` undoes it again where
  // it is given up.
  settle(step, title = 'Working', back = null) {
    if (!step) return;
    const messages = journal.consequences(step), together = [];
    for (const message of messages) {
      const { t, frame, object, prompt } = message;
      if (t === 'forget') masks.forget(object);
      if (t === 'untrack') masks.untrack(message.frames, message.objects);
      if (t === 'untrack' || messages.length <= MOST_ALONE) line.ask(message);
      else together.push(t === 'forget' ? { forget: object } : { frame, object, prompt });
      if (together.length && prompt && isEmpty(prompt)) masks.takeBack(frame, object);
    }
    if (together.length) tellMore(together, title, back);
    const first = step.entries[0] ?? {};
    if (first.frame !== undefined && first.frame !== state.frame) goTo(first.frame);
    if (first.object && journal.said.has(first.object)) state.active = first.object;
    tell('touched');
    tell('journal');
  },
};

// A pick among candidates is about the first point: it goes with it. What is empty is not said.
function tidy({ choice, ...said }, before) {
  const kept = Object.fromEntries(Object.entries(said).filter(([, value]) => value && value.length !== 0));
  const isSame = choice !== undefined && String(said.points?.[0]) === String(before.points?.[0]);
  return isEmpty(kept) ? {} : isSame ? { ...kept, choice } : kept;
}

on(find('undo'), 'click', () => prompts.undo());
on(find('redo'), 'click', () => prompts.redo());
on(find('clear-frame'), 'click', () => prompts.clearFrame());
on(find('clear-object'), 'click', () => objects.remove(state.active));
on(find('clear-all'), 'click', () => prompts.reset());
makeMenu(find('clear'), find('clear-menu'));

when('journal frame medium objects tracking', () => {
  const said = journal.said;
  find('undo').disabled = !journal.canUndo;
  find('redo').disabled = !journal.canRedo || (!!state.tracking && isTracked(journal.next));
  find('clear').disabled = !said.size;
  find('clear-frame').disabled = ![...said.values()].some(frames => frames.has(state.frame));
  find('clear-object').disabled = !said.has(state.active);
});

// Masks come as answers to our own prompts, while tracking, or because we asked for them.
when('server-masks', message => {
  if (message.version !== state.version) return;
  const { frame, question, revision } = message, told = new Set();
  if (message.object) masks.answers.set(`${frame}/${message.object}`, revision);
  for (const object of message.objects) {
    if (!message.object && !journal.said.has(object.id)) continue;   // removed in the meantime
    if (masks.isOutdated(frame, object.id, revision)) continue;
    masks.put(frame, object.id, object);
    told.add(object.id);
  }
  if (message.object && !told.has(message.object)) masks.takeBack(frame, message.object);
  if (message.tracked) recordTracked(message);
  // A frame that is still on its way is asked for again, or it would come without these masks.
  if (frame === state.frame) (shown.frame === frame ? refreshMasks() : show(frame)).then(drawn => { if (drawn) painted(question); });
  tell('masks', message);
});

// The last frames of a run may come after its end, where the connection was lost in between.
function recordTracked({ run, frame, tracked, objects: found }) {
  if (run !== state.tracking?.run && !journal.hasRun(run)) return;
  const before = journal.length, fresh = found.filter(object => object.fresh);
  journal.addTracked(run, frame, tracked, fresh.map(object => object.id));
  tell('tracked', { frame, tracked });
  if (journal.length !== before) tell('journal');
}

// The moment a click's mask is on the canvas, for whoever measures it.
function painted(question) {
  if (!question) return;
  tell('painted', question);
  root.dispatchEvent(new CustomEvent('masklet-painted', { detail: { seq: question.seq, since: question.since } }));
}

when('server-forgotten', message => { masks.forget(message.object); tell('masks', message); refreshMasks(); });

// A prompt that the server refused is taken back, so that page and server agree; everything else stays.
when('server-error', message => {
  const question = message.question;
  if (question?.t !== 'prompt') return;
  const last = journal.last?.entries[0];
  if (last?.prompt && last.object === question.object && last.frame === question.frame) {
    journal.undo();
    journal.dropRedo();
    tell('journal');
  }
});
