// What was tracked before something was said nearby is stale: the frames of that object between the prompted frames
// before and after the word. The page marks them at once; the server's word on it, a moment later, is the truth.

import { isClip } from '../core/media.js';
import { toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { oncePerFrame } from '../shared/refresh.js';
import { masks, STALE } from '../viewport/masks.js';
import { track } from './tracking.js';

// How many frames an update would track again, within the range.
function staleFrames() {
  const { first, last } = state.range ?? { first: 0, last: masks.length - 1 };
  const lanes = [...masks.lanes.values()];
  let count = 0;
  for (let frame = first; frame <= last; frame += 1) count += lanes.some(lane => lane[frame] === STALE);
  return count;
}

export function updateStale() {
  if (staleFrames() || !state.log.prompts.size) return track('update');
  toast('Nothing to update: no correction has touched a tracked frame.', 'hint');
}

const updateCount = oncePerFrame(() => {
  if (!isClip()) return;
  const count = staleFrames();
  find('update').hidden = !count;
  find('update-text').textContent = `Update ${counted(count, 'frame')}`;
});

export function setUpStaleFrames() {
  on('queued', message => {
    if (message.t !== 'set_prompt') return;
    const said = [...(state.log.prompts.get(message.object)?.keys() ?? [])];
    const before = Math.max(-1, ...said.filter(frame => frame < message.frame));
    const after = Math.min(masks.length, ...said.filter(frame => frame > message.frame));
    masks.outdate(message.object, before + 1, after - 1, message.frame);
    emit('masks', {});
  });

  on('server-stale', message => {
    const more = [connection.inFlight, ...connection.queue].some(other => other && other.t !== 'remove_object'); // newer news will come
    if (message.version !== state.version || more) return;
    const runs = new Map(message.objects.map(object => [object.id, object.frames]));
    for (const object of masks.lanes.keys()) masks.setStale(object, runs.get(object) ?? []);
    emit('masks', {});
  });
  on('masks medium log range tracking', updateCount);
  listen(find('update'), 'click', updateStale);
}
