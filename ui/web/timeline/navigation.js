// Going to a frame.

import { isAlbum } from '../core/media.js';
import { toast } from '../core/notices.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { frames } from '../viewport/frames.js';
import { showFrame } from '../viewport/viewport.js';

// Shows another frame of the clip; `quietly` leaves the user's wish to follow the tracking as it is.
export function goTo(frame, quietly = false) {
  if (!state.medium) return Promise.resolve(false);
  update({ frame: clamp(Math.round(frame), 0, state.medium.frames - 1) });
  if (!quietly) emit('interaction');
  emit('frame');
  return showFrame(state.frame)
    .then(current => {
      if (current && !state.playing) frames.prefetch(state.frame, 1, isAlbum() ? 2 : 3);
      if (current && isAlbum()) frames.prefetch(state.frame, -1, 1);
      return current;
    })
    .catch(() => {
      if (connection.status === 'on') toast('This frame could not be loaded. Step on, or try again.');
    });
}
