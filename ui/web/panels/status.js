// Why nothing comes: what a wish of ours waits for, as the server tells it while it is busy.

import { announce } from '../core/notices.js';
import { find, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { duration } from '../shared/format.js';

const LINGER = 1200; // milliseconds; of two waits in a row one is shown, not a flicker
let waitingTimer = 0;

function waitingText({ position, seconds }) {
  if (!position && (!seconds || state.tracking)) return ''; // tracking shows its own pace
  const who = position ? `${position} ${position === 1 ? 'other is' : 'others are'} before you` : 'Working on it';
  return seconds >= 1 ? `${who} · about ${duration(seconds)}` : who;
}

function showWaiting(text) {
  clearTimeout(waitingTimer);
  if (text && !state.waiting) announce(text);
  update({ waiting: text });
  find('waiting').textContent = text;
  find('waiting').hidden = !text;
  root.classList.toggle('mk-waits', !!text);
  updateStatus();
}

function updateStatus() {
  const words = {
    off: 'Connecting…',
    connecting: 'Connecting…',
    lost: 'Reconnecting…',
    gone: 'Expired',
    taken: 'Open elsewhere',
  };
  const loading = `${state.model.message || 'The model is loading'}${state.model.fraction ? ` ${Math.round(state.model.fraction * 100)}%` : ''}`;
  const ready = state.waiting || state.model.device.split(',')[0];
  const text = words[connection.status] ?? (state.model.error ? 'No model' : state.model.ready ? ready : loading);
  const here = state.model.error ? 'gone' : state.model.ready && !state.waiting ? 'on' : 'loading';
  find('status').dataset.line = connection.status === 'on' ? here : connection.status;
  find('status-text').textContent = text;
  find('status').title = text;
}

export function setUpStatus() {
  on('server-queue', message => {
    const text = waitingText(message);
    if (text) return showWaiting(text);
    clearTimeout(waitingTimer);
    waitingTimer = setTimeout(() => showWaiting(''), LINGER);
  });
  on('connection', status => {
    if (status !== 'on' && state.waiting) showWaiting('');
  });
  on('connection model', updateStatus);
}
