// While photos are annotated, the time that each object takes is measured and becomes a trait of it.

import { listen } from '../core/page.js';
import { state } from '../core/store.js';
import { targetOf } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { Stopwatch } from './stopwatch.js';

const stopwatch = new Stopwatch();

/** The object is done: what it took comes to what it took before. */
export function endTiming() {
  const { object } = stopwatch;
  const seconds = stopwatch.end();
  if (!object || !state.log.prompts.has(object)) return;
  const before = state.log.traits.get(object)?.seconds ?? 0;
  state.log.amend(object, { seconds: Math.round(10 * (before + seconds)) / 10 });
  emit('log');
}

export function setUpTiming() {
  on('interaction', () => {
    const entry = state.log.last?.entries[0];
    if (!state.stage || !entry?.prompt || entry.object === stopwatch.object) return;
    const { source } = state.log.traits.get(entry.object) ?? {};
    if (source === 'automatic' || source === 'confirmed') return; // no person's time, or measured already
    endTiming();
    stopwatch.begin(entry.object);
  });
  on('objects frame', () => {
    if (stopwatch.object && (state.active !== stopwatch.object || !isOnFrame(stopwatch.object))) endTiming();
  });
  on('medium', () => stopwatch.end());
  for (const type of /** @type {const} */ (['pointermove', 'pointerdown', 'keydown', 'wheel']))
    listen(
      window,
      type,
      event => {
        if (stopwatch.object && targetOf(event)) stopwatch.act();
      },
      { passive: true },
    );
}

/** @param {number} object */
const isOnFrame = object => state.log.prompts.get(object)?.has(state.frame) ?? false;
