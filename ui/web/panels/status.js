// The status in the header and how long a request waits, as the server reports it.

/** @import { QueueEvent } from '../protocol.js' */

import { announce } from '../core/notices.js';
import { find, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { duration, percent } from '../shared/format.js';

const LINGER = 1200; // milliseconds; two waits in a row appear as one
/** @type {Record<string, string>} */
const CONNECTION_TEXTS = {
  off: 'Connecting…',
  connecting: 'Connecting…',
  lost: 'Reconnecting…',
  gone: 'Expired',
  taken: 'Open elsewhere',
};
let waitingTimer = 0;

/** @param {QueueEvent} event */
function waitingText({ position, seconds }) {
  if (!position && (!seconds || state.tracking)) return ''; // tracking shows its own pace
  const who = position ? `${position} ${position === 1 ? 'other is' : 'others are'} before you` : 'Working on it';
  return seconds >= 1 ? `${who} · about ${duration(seconds)}` : who;
}

/** @param {string} text */
function showWaiting(text) {
  clearTimeout(waitingTimer);
  if (text && !state.waiting) announce(text);
  update({ waiting: text });
  showText(find('waiting'), text);
  root.classList.toggle('mk-waits', !!text);
  updateStatus();
}

/** @returns {[line: string, text: string]} */
function modelStatus() {
  const { ready, error, device, message, fraction } = state.model;
  if (error) return ['gone', 'No model'];
  if (!ready) return ['loading', `${message || 'The model is loading'}${percent(fraction || null)}`];
  return [state.waiting ? 'loading' : 'on', state.waiting || device.split(',')[0]];
}

function updateStatus() {
  const { status } = connection;
  const [line, text] = status === 'on' ? modelStatus() : [status, CONNECTION_TEXTS[status]];
  find('status').dataset.line = line;
  find('status-text').textContent = text;
  find('status').title = text;
}

export function setUpStatus() {
  on('server-queue', event => {
    const text = waitingText(event);
    if (text) return showWaiting(text);
    clearTimeout(waitingTimer);
    waitingTimer = setTimeout(() => showWaiting(''), LINGER);
  });
  on('connection', status => {
    if (status !== 'on' && state.waiting) showWaiting('');
  });
  on('connection model', updateStatus);
}
