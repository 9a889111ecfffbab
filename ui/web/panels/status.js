// The status in the header and how long a request waits, as the server reports it.

import { announce } from '../core/notices.js';
import { find, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { waitingText, withPercent } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { automatic } from '../tools/automatic_masks.js';

const LINGER = 1200; // milliseconds; two waits in a row appear as one
/** @type {Record<string, string>} */
const CONNECTION_TEXTS = {
  off: tr('Connecting…'),
  connecting: tr('Connecting…'),
  lost: tr('Reconnecting…'),
  gone: tr('Expired'),
  taken: tr('Open elsewhere'),
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
  if (error) return ['gone', tr('No model')];
  if (!ready) return ['loading', withPercent(message || tr('The model is loading'), fraction || null)];
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
