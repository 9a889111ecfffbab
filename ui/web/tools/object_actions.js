// Adding and removing objects.

import { announce, showTip } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { nextHint } from './hints.js';
import { setAdding } from './mode.js';
import { prompts } from './prompts.js';

/** Selects a new object, or the selected one while it has no prompts. */
export function addObject() {
  objects.select(state.log.prompts.has(state.active) ? objects.unused : state.active);
  setAdding(true);
  showTip(nextHint());
}

/** @param {number} id */
export function removeObject(id) {
  if (!objects.isFree(id)) return;
  const listed = objects.listed;
  const others = listed.filter(other => other !== id);
  const { name } = objects.trait(id);
  if (state.active === id)
    update({ active: others[Math.min(listed.indexOf(id), others.length - 1)] ?? objects.unused });
  if (state.soloObject === id) update({ soloObject: null });
  prompts.remove(id);
  announce(tr('{name} removed', { name }));
  emit('objects');
}
