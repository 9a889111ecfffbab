// Tells the server in whose name it works, where GPUs are lent to visitors by Hugging Face: it takes their time from the
// quota of the visitor whom the headers of a plain request name. They are good for some minutes, so it is told again.

import { mount } from '../core/mount.js';
import { about, address, listen } from '../core/page.js';
import { on } from '../shared/events.js';
import { connection } from './connection.js';

const REPEAT = 60_000; // milliseconds
const MAX_WAIT = 3000; // for the page around this one

/**
 * Headers that name the account with which somebody is logged in at Hugging Face; only the page there knows it. Gradio
 * has asked that page whether it answers.
 * @param {string} lender origin of that page
 * @returns {Promise<Record<string, string>>}
 */
function accountHeaders(lender) {
  if (window.parent === window || !('supports_zerogpu_headers' in window)) return Promise.resolve({});
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    const answer = (/** @type {unknown} */ headers) => {
      port1.close();
      resolve(Object(headers));
    };
    port1.onmessage = ({ data }) => answer(data);
    setTimeout(answer, MAX_WAIT, {});
    window.parent.postMessage('zerogpu-headers', lender, [port2]);
  });
}

/** @param {string} lender */
async function visit(lender) {
  if (connection.status !== 'on' || document.hidden) return;
  const headers = await accountHeaders(lender);
  await fetch(address('visit'), { method: 'POST', headers }).catch(() => {}); // the next one is soon
}

export function setUpVisits() {
  const lent = about.lent_gpus;
  if (!lent) return;
  const again = () => visit(lent.lender);
  on('connection', again);
  listen(document, 'visibilitychange', again);
  const timer = setInterval(again, REPEAT);
  mount.signal.addEventListener('abort', () => clearInterval(timer));
}
