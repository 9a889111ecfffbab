// Sending the frames of a live camera, one at a time.

import { address } from '../core/page.js';
import { refusalOf } from './refusal.js';
import { unpack } from './transports.js';

const TOO_MANY = 429;
const NOT_STARTED = 410;

/**
 * Sends a frame and returns its masks; 'dropped' where the server had no time for it, 'stopped' where it has no camera of
 * this page. Throws `Refused` with the server's reason, and what `fetch` throws.
 * @param {Blob} jpeg
 * @param {AbortSignal} signal
 * @returns {Promise<LiveMasksMessage | 'dropped' | 'stopped'>}
 */
export async function sendFrame(jpeg, signal) {
  const response = await fetch(address('live'), { method: 'POST', body: jpeg, signal });
  if (response.status === TOO_MANY) return 'dropped';
  if (response.status === NOT_STARTED || response.status === 404) return 'stopped';
  if (!response.ok) throw await refusalOf(response);
  return /** @type {LiveMasksMessage} */ (unpack(await response.arrayBuffer()));
}
