// Who made a mask, as traits of its object: see core/traits.js.

import { state } from './store.js';

/**
 * What a prompt of the user says about an object: it is by a person from now on, and belongs to the stage in which it began.
 * @param {number} object
 * @returns {TraitsEntry[]}
 */
export function madeByPerson(object) {
  const { stage, source } = state.log.traits.get(object) ?? {};
  /** @type {Partial<Traits>} */
  const set = {};
  if (source !== 'person' && (source || state.stage)) set.source = 'person';
  // What a person draws while the model works alone is assisted work all the same.
  if (!stage && state.stage) set.stage = state.stage === 'automatic' ? 'assisted' : state.stage;
  return Object.keys(set).length ? [{ traits: object, set }] : [];
}
