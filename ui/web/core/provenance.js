// Who made a mask, as traits of its object: see core/traits.js.

import { state } from './store.js';

/** @import { RatedMask } from '../shared/ratings.js' */

const rounded = (/** @type {number} */ value) => Math.round(1000 * value) / 1000;

/**
 * What the network says of a mask of its own.
 * @param {{ predicted_iou: number, stability: number }} mask
 */
export const scoresOf = ({ predicted_iou, stability }) => ({
  predicted_iou: rounded(predicted_iou),
  stability_score: rounded(stability),
});

/**
 * The traits of an object that was taken from an automatic mask.
 * @param {{ predicted_iou: number, stability: number, rating?: Traits['rating'] }} mask
 * @param {MaskOrigin} source
 * @param {number} [seconds] that it took a person; left out: not measured
 * @returns {Partial<Traits>}
 */
export function madeByNetwork(mask, source, seconds) {
  const stage = source === 'automatic' ? 'automatic' : 'semi-automatic';
  const { rating } = mask;
  return { stage, source, ...scoresOf(mask), ...(rating && { rating }), ...(seconds !== undefined && { seconds }) };
}

/**
 * How good a mask is, for the user. The network does not judge a mask that is its prompt; one that it proposed keeps what
 * it was proposed with.
 * @param {number} object
 * @param {number} frame
 * @param {RatedMask} mask
 * @returns {RatedMask}
 */
export function ratedMask(object, frame, mask) {
  const { source = 'person', predicted_iou = mask.predicted_iou, rating } = state.log.traits.get(object) ?? {};
  const isProposed = source !== 'person' && !!state.log.prompts.get(object)?.get(frame)?.mask;
  return isProposed ? { predicted_iou, rating } : mask;
}

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
