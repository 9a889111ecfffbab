// Asking the server for masks that it has and the page does not.

import { state } from '../core/store.js';
import { connection } from '../net/connection.js';

const CHUNK = 64; // frames per request, as many as the server allows
const PAUSE = 60; // milliseconds between two requests

/** Requests the masks of all frames that were prompted or tracked. */
export async function requestMasks() {
  const { prompts, tracked } = state.log.state;
  const frames = [...prompts.values(), ...tracked.values()].flatMap(each => [...each.keys()]);
  const chunks = new Set(frames.map(frame => frame - (frame % CHUNK)));
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
    connection.send({ t: 'get_masks', first: frame, last: Math.min(end, frame + CHUNK - 1) });
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}
