// Replaying the edit log, or many edits at once, on the server, which does that as one job.

import { showProgress, toast } from '../core/notices.js';
import { find } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';

/** @typedef {Extract<QueuedRequest, { t: 'edit_log' }>} ReplayRequest */

/** @type {ReplayRequest | null} */
let replaying = null;
/** Session and version of a medium whose masks the server does not have: they were not replayed to the end. */
let incomplete = '';

const versionOfSession = () => `${state.token} ${state.version}`;
const openingText = () => (state.ready ? tr('Starting…') : tr('Waiting for the model…'));

/**
 * Replaces all that the server has by the edit log, as soon as there are a model and a connection.
 * @param {boolean} [quiet] nothing was lost: the server has more photos now
 */
export function replayLog(quiet = false) {
  const entries = state.log.neededForReplay; // none: the server may have some all the same
  incomplete = versionOfSession();
  masks.clear(masks.length);
  connection.clearQueue();
  const isQuiet = quiet || !entries.length;
  replaying = { t: 'edit_log', entries, quiet: isQuiet };
  if (!isQuiet) showProgress(tr('Bringing your work back'), null, openingText(), cancelReplay);
  connection.request(replaying);
}

/** Whether the server has the masks of the edit log, but for what the requests say that wait for an answer. */
export const serverHasMasks = () => !state.reopening && incomplete !== versionOfSession();

/**
 * Adds many prompts and removals at once to what the server has.
 * @param {ReplayRequest['entries']} entries
 * @param {string} title
 * @param {(() => void) | null} [onCancel] takes them back
 */
export function sendEdits(entries, title, onCancel) {
  replaying = { t: 'edit_log', entries, more: true, title, onCancel };
  if (entries.some(entry => 'prompt' in entry)) showProgress(title, null, openingText(), cancelEdits);
  connection.request(replaying);
}

function cancelEdits() {
  if (replaying && connection.withdraw(replaying)) return replayFailed(replaying);
  connection.send({ t: 'cancel', job: 'replay' });
  showProgress(replaying?.title ?? tr('Stopping'), null, tr('Stopping…'));
}

/** @param {QueuedRequest} [request] */
function replayFailed(request) {
  showProgress('');
  replaying = null;
  request?.onCancel?.();
}

/** Only the tracking of a replay is cancelled. */
function cancelReplay() {
  if (replaying) replaying.entries = replaying.entries.filter(entry => !('track' in entry)); // it may still be queued
  connection.send({ t: 'cancel', job: 'replay' });
  showProgress(tr('Bringing your clicks back'), null, tr('Stopping…'));
}

/** @param {PageEvents['server-done']} event */
function replayDone({ job, seq, stopped, question }) {
  if (job !== 'replay') return;
  const request = question?.t === 'edit_log' ? question : null;
  if (seq !== undefined && !request) {
    if (!replaying) showProgress(''); // of the page before it was reloaded
    return;
  }
  if (request?.more && stopped) return replayFailed(request);
  showProgress('');
  if (request && !request.more) incomplete = '';
  replaying = null;
  masks.asked.clear();
  masks.answers.clear(); // a new session on the server begins with revision 0
  requestMasks();
  if (stopped) toast(tr('Your clicks are back. Track again for the masks of the other frames.'), 'hint');
  else if (request && !request.quiet && !request.more) toast(tr('Your work is back.'), 'hint');
}

export function setUpReplay() {
  on('server-progress', ({ job, fraction, message }) => {
    if (job !== 'replay' || replaying?.quiet || (replaying?.more && find('progress-overlay').hidden)) return;
    const cancel = replaying?.more ? cancelEdits : cancelReplay;
    showProgress(replaying?.title ?? tr('Bringing your work back'), fraction, message, cancel);
  });
  on('server-done', replayDone);
  on('server-error', ({ job, question }) => {
    if (job === 'replay') replayFailed(question);
  });
}
