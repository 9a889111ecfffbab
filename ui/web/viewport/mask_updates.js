// Masks that the server sends: kept, recorded in the edit log where they were tracked, and drawn.

import { root } from '../core/page.js';
import { state } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { masks } from './masks.js';
import { refreshMasks, showFrame } from './viewport.js';

// The last frames of a run may come after its end, where the connection was lost in between.
function recordTracked({ run, frame, step, objects: found }) {
  if (run !== state.tracking?.run && !state.log.hasRun(run)) return;
  const before = state.log.length;
  const fresh = found.filter(object => object.fresh);
  state.log.addTracked(
    run,
    frame,
    step,
    fresh.map(object => object.id),
  );
  emit('tracked', { frame, step });
  if (state.log.length !== before) emit('log');
}

// The moment a click's mask is on the canvas, for whoever measures it.
function reportPainted(question) {
  if (!question) return;
  emit('painted', question);
  root.dispatchEvent(new CustomEvent('masklet-painted', { detail: { seq: question.seq, since: question.since } }));
}

export function setUpMaskUpdates() {
  // Masks come as answers to our own prompts, while tracking, or because we asked for them.
  on('server-masks', message => {
    if (message.version !== state.version) return;
    const { frame, question, revision } = message;
    const told = new Set();
    if (message.object) masks.answers.set(`${frame}/${message.object}`, revision);
    for (const object of message.objects) {
      if (!message.object && !state.log.prompts.has(object.id)) continue; // removed in the meantime
      if (masks.isOutdated(frame, object.id, revision)) continue;
      masks.put(frame, object.id, object);
      told.add(object.id);
    }
    if (message.object && !told.has(message.object)) masks.takeBack(frame, message.object);
    if (message.step) recordTracked(message);
    // A frame that is still on its way is asked for again, or it would come without these masks.
    if (frame === state.frame)
      (state.shown.frame === frame ? refreshMasks() : showFrame(frame)).then(drawn => {
        if (drawn) reportPainted(question);
      });
    emit('masks', message);
  });

  on('server-object_removed', message => {
    masks.forget(message.object);
    emit('masks', message);
    refreshMasks();
  });
}
