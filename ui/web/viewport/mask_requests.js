// Asking the server for masks that it has and the page does not.

import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { masks, UNKNOWN } from './masks.js';

const CHUNK = 64; // frames per request, as many as the server allows
const PAUSE = 60; // milliseconds between two requests

/**
 * Requests the masks of all frames that were prompted or tracked.
 * @param {boolean} [missing] only of those of which nothing is known
 */
export async function requestMasks(missing = false) {
  const { prompts, tracked } = state.log.state;
  /** @type {Set<number>} */
  const chunks = new Set();
  for (const [object, frames] of [...prompts, ...tracked]) {
    const lane = masks.lane(object);
    for (const frame of frames.keys()) if (!missing || lane[frame] === UNKNOWN) chunks.add(frame - (frame % CHUNK));
  }
  for (const first of [...chunks].sort((a, b) => a - b)) await requestFrames(first, first + CHUNK - 1);
}

/**
 * Requests the masks of the frames `first`..`last`, spread over time.
 * @param {number} first
 * @param {number} last
 */
export async function requestFrames(first, last) {
  const { version, medium } = state;
  const end = Math.min(last, (medium?.frames ?? 0) - 1);
  for (let frame = first; frame <= end && state.version === version; frame += CHUNK) {
    // Where the connection is lost, what is missing is requested on the next one.
    if (!connection.send({ t: 'get_masks', first: frame, last: Math.min(end, frame + CHUNK - 1) })) return;
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}
