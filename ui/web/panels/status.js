// The status in the header and how long a request waits, as the server reports it.

import { announce } from '../core/notices.js';
import { find, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { percent, waitingText } from '../shared/format.js';
import { automatic } from '../tools/automatic_masks.js';

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
  return [state.waiting ? 'loading' : 'on', device.split(',')[0]]; // for what, is said over the picture
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
    const text = waitingText(event, !!state.tracking || !!automatic.job);
    if (text) return showWaiting(text);
    clearTimeout(waitingTimer);
    waitingTimer = setTimeout(() => showWaiting(''), LINGER);
  });
  on('connection', status => {
    if (status !== 'on' && state.waiting) showWaiting('');
  });
  on('connection model', updateStatus);
}
