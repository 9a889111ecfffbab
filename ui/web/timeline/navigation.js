// Going to a frame.

import { isAlbum } from '../core/media.js';
import { toast } from '../core/notices.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { frames } from '../viewport/frames.js';
import { showFrame } from '../viewport/viewport.js';

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
    if (!state.playing) frames.prefetch(state.frame, 1, isAlbum() ? 2 : 3);
    if (isAlbum()) frames.prefetch(state.frame, -1, 1);
  } catch {
    if (connection.status === 'on') toast('This frame could not be loaded. Step on, or try again.');
  }
}
