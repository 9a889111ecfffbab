// Going to a frame.

import { isAlbum } from '../core/media.js';
import { toast } from '../core/notices.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { clamp } from '../shared/values.js';
import { frames } from '../viewport/frames.js';
import { showFrame } from '../viewport/viewport.js';

const LOOK_MILLISECONDS = 150; // on a frame before it is encoded ahead of a click

let looking = 0; // timer

/**
 * Shows another frame of the medium.
 * @param {number} frame
 * @param {boolean} [automatic] not by the user, who goes on following the tracking
 */
export async function goTo(frame, automatic = false) {
  if (!state.medium) return;
  update({ frame: clamp(Math.round(frame), 0, state.medium.frames - 1) });
  if (!automatic) emit('interaction');
  emit('frame');
  try {
    if (!(await showFrame(state.frame))) return;
    encodeAhead(state.frame);
    if (!state.playing) frames.prefetch(state.frame, 1, isAlbum() ? 2 : 3);
    if (isAlbum()) frames.prefetch(state.frame, -1, 1);
  } catch {
    if (connection.status === 'on') toast(tr('This frame could not be loaded. Step on, or try again.'));
  }
}

/**
 * Lets the server encode a frame while the user looks at it, so that the first click on it is answered sooner.
 * @param {number} frame
 */
function encodeAhead(frame) {
  const { version } = state;
  clearTimeout(looking);
  looking = window.setTimeout(() => {
    const isSeen = frame === state.frame && version === state.version;
    if (isSeen && !state.playing && !state.tracking) connection.send({ t: 'encode_frame', frame });
  }, LOOK_MILLISECONDS);
}
