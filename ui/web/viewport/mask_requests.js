// Asking the server for masks that it has and the page does not.

import { span } from '../core/edit_log.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';

const CHUNK = 64; // frames whose masks are asked for at once

// Everything that was prompted or tracked.
export async function askForMasks() {
  const wanted = new Set();
  for (const { prompt, frame, track } of state.log.entries) {
    if (prompt) wanted.add(frame - (frame % CHUNK));
    if (!track) continue;
    const [first, last] = span(track);
    for (let chunk = first - (first % CHUNK); chunk <= last; chunk += CHUNK) wanted.add(chunk);
  }
  for (const first of [...wanted].sort((a, b) => a - b)) await askForFrames(first, first + CHUNK - 1);
}

// A few frames a message, no faster than the server takes messages.
export async function askForFrames(first, last) {
  const version = state.version;
  const end = Math.min(last, state.medium.frames - 1);
  for (let frame = first; frame <= end && state.version === version; frame += CHUNK) {
    connection.send({ t: 'get_masks', first: frame, last: Math.min(end, frame + CHUNK - 1) });
    await new Promise(resolve => setTimeout(resolve, 60));
  }
}
