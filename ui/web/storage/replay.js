// Sending the edit log, or many edits at once, to the server, which works them off as one job.

import { showProgress, toast } from '../core/notices.js';
import { find } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';

let replaying = null; // the journal message that the server works on

// Puts all that the journal says in place of what the server knows. Waits for the model and for a connection. Quietly:
// nothing was lost, the server only has more photos now.
export function replayLog(quietly = false) {
  const entries = state.log.told;
  if (!entries.length) return;
  masks.clear(state.medium.frames);
  connection.clearQueue();
  replaying = { t: 'edit_log', entries, quietly };
  if (!quietly)
    showProgress('Bringing your work back', null, state.ready ? 'Starting…' : 'Waiting for the model…', cancelReplay);
  connection.request(replaying);
}

// Many prompts and forgets at once, beside what the server knows already; `back` takes them back where they are given up.
export function sendEdits(entries, title, back) {
  const question = { t: 'edit_log', entries, more: true, title, back };
  replaying = question;
  if (entries.some(entry => entry.prompt))
    showProgress(title, null, state.ready ? 'Starting…' : 'Waiting for the model…', cancelEdits);
  connection.request(question);
}

function cancelEdits() {
  const question = replaying;
  const isWaiting = connection.queue.includes(question);
  if (!isWaiting) {
    connection.send({ t: 'cancel', job: 'replay' });
    return showProgress(question?.title ?? 'Stopping', null, 'Stopping…');
  }
  connection.queue = connection.queue.filter(other => other !== question);
  replayFailed(question);
}

function replayFailed(question) {
  showProgress('');
  replaying = null;
  question?.back?.();
}

function cancelReplay() {
  if (replaying) replaying.entries = replaying.entries.filter(entry => !entry.track); // it may not have been sent yet
  connection.send({ t: 'cancel', job: 'replay' });
  showProgress('Bringing your clicks back', null, 'Stopping…');
}

export function setUpReplay() {
  on('server-progress', message => {
    if (message.job !== 'replay' || replaying?.quietly || (replaying?.more && find('progress-overlay').hidden)) return;
    const giveUp = replaying?.more ? cancelEdits : cancelReplay;
    showProgress(replaying?.title ?? 'Bringing your work back', message.fraction, message.message, giveUp);
  });

  on('server-done', message => {
    if (message.job !== 'replay' || (message.seq !== undefined && !message.question)) return;
    if (message.question?.more && message.stopped) return replayFailed(message.question);
    showProgress('');
    replaying = null;
    masks.asked.clear();
    masks.answers.clear(); // a new session counts its revisions anew
    requestMasks();
    if (message.stopped) toast('Your clicks are back. Track again for the masks of the other frames.', 'hint');
    else if (message.question && !message.question.quietly && !message.question.more)
      toast('Your work is back.', 'hint');
  });
  on('server-error', message => {
    if (message.job === 'replay') replayFailed(message.question);
  });
}
