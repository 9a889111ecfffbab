// Masks that the server sends are cached, recorded in the edit log where they were tracked, and drawn.

import { root } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { masks } from './masks.js';
import { refreshMasks, showFrame } from './viewport.js';

/**
 * The last frames of a run may arrive after its end where the connection was lost in between.
 * @param {MasksMessage} message
 */
function recordTracked({ run = 0, frame, step = 1, objects: tracked }) {
  if (run !== state.tracking?.run && !state.log.hasRun(run)) return;
  const { length } = state.log;
  const fresh = tracked.filter(object => object.fresh).map(object => object.id);
  state.log.addTracked(run, frame, step, fresh);
  emit('tracked', { frame, step });
  if (state.log.length !== length) emit('log');
}

/**
 * The masks that answer this request are on the canvas. benchmarks/browser_latency.py listens to `masklet-painted`.
 * @param {QueuedRequest} question
 */
function reportPainted(question) {
  emit('painted', question);
  root.dispatchEvent(new CustomEvent('masklet-painted', { detail: { seq: question.seq, since: question.since } }));
}

/** @param {MasksMessage} message */
export async function storeMasks(message) {
  if (message.version !== state.version || connection.isReplaying) return; // or they are of another edit log
  const { frame, object, question, revision } = message;
  if (object) masks.answers.set(`${frame}/${object}`, revision);
  const current = message.objects.filter(
    ({ id }) => (object || state.log.prompts.has(id)) && !masks.isOutdated(frame, id, revision),
  );
  for (const record of current) masks.put(frame, record.id, record);
  if (object && !current.some(({ id }) => id === object)) masks.remove(frame, object);
  if (message.step) recordTracked(message);
  // A frame that is still being loaded is shown anew, since it would appear without these masks.
  const drawing = frame === state.frame && (state.shown.frame === frame ? refreshMasks() : showFrame(frame));
  emit('masks', message);
  if ((await drawing) && question) reportPainted(question);
}

export function setUpMaskUpdates() {
  on('server-masks', storeMasks);

  on('server-object_removed', message => {
    masks.removeObject(message.object);
    emit('masks', message);
    refreshMasks();
  });
}
