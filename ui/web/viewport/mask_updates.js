import { emit, on } from '../core/events.js';
import { root } from '../core/page.js';
import { state } from '../core/store.js';
import { masks } from './masks.js';
import { refreshMasks, showFrame } from './viewport.js';

// The last frames of a run may come after its end, where the connection was lost in between.
function recordTracked({ run, frame, tracked, objects: found }) {
  if (run !== state.tracking?.run && !state.log.hasRun(run)) return;
  const before = state.log.length;
  const fresh = found.filter(object => object.fresh);
  state.log.addTracked(
    run,
    frame,
    tracked,
    fresh.map(object => object.id),
  );
  emit('tracked', { frame, tracked });
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
    if (message.tracked) recordTracked(message);
    // A frame that is still on its way is asked for again, or it would come without these masks.
    if (frame === state.frame)
      (state.shown.frame === frame ? refreshMasks() : showFrame(frame)).then(drawn => {
        if (drawn) reportPainted(question);
      });
    emit('masks', message);
  });

  on('server-forgotten', message => {
    masks.forget(message.object);
    emit('masks', message);
    refreshMasks();
  });
}
