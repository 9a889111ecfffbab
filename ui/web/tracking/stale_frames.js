// A prompt makes the tracked masks of its object stale between the prompted frames before and after it. The page marks them
// at once; the server's list, a moment later, is authoritative.

import { playedRange } from '../core/media.js';
import { toast } from '../core/notices.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { masks, STALE } from '../viewport/masks.js';
import { track } from './tracking.js';

/** How many frames of the range an update would track again. */
export function countStale() {
  const { first, last } = playedRange();
  const lanes = [...masks.lanes.values()];
  let count = 0;
  for (let frame = first; frame <= last; frame += 1) if (lanes.some(lane => lane[frame] === STALE)) count += 1;
  return count;
}

export function updateStale() {
  if (countStale() || !state.log.prompts.size) return track('update');
  toast(tr('Nothing to update: no correction has touched a tracked frame.'), 'hint');
}

export function setUpStaleFrames() {
  on('queued', request => {
    if (request.t !== 'set_prompt') return;
    const prompted = [...(state.log.prompts.get(request.object)?.keys() ?? [])];
    const before = Math.max(-1, ...prompted.filter(frame => frame < request.frame));
    const after = Math.min(masks.length, ...prompted.filter(frame => frame > request.frame));
    masks.outdate(request.object, before + 1, after - 1, request.frame);
    emit('masks', {});
  });

  on('server-stale', ({ version, objects }) => {
    const newerComes = connection.pending.some(({ t }) => t !== 'remove_object');
    if (version !== state.version || newerComes) return;
    const runs = new Map(objects.map(({ id, frames }) => [id, frames]));
    for (const object of masks.lanes.keys()) masks.setStale(object, runs.get(object) ?? []);
    emit('masks', {});
  });
}
