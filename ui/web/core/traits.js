// Name, label and appearance of an object, and how its masks were made.

import { isPlain } from '../shared/values.js';

export const MAX_NAME_LENGTH = 80;
export const MAX_LABEL_LENGTH = 40;

/** The stages of the data engine, in their order. */
export const STAGES = /** @type {const} */ (['assisted', 'semi-automatic', 'automatic']);
/** Who made a mask: a person, the model with a person's approval, or the model alone; `rejected` is a proposal of the model
 * that a person did not want, so an object without a mask. */
export const SOURCES = /** @type {const} */ (['person', 'confirmed', 'automatic', 'rejected']);
export const MAX_SECONDS = 1e6;

/** @param {string} text */
export const singleLine = text => String(text).replace(/\s+/g, ' ').trim();

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
const numberIn = (value, least, most) =>
  typeof value === 'number' && value >= least && value <= most ? value : undefined;

/**
 * Makes traits from a file valid: others are dropped.
 * @param {unknown} set
 */
export function sanitizeTraits(set) {
  /** @type {Partial<Traits>} */
  const sane = {};
  if (!isPlain(set)) return sane;
  if (typeof set.name === 'string') sane.name = singleLine(set.name).slice(0, MAX_NAME_LENGTH);
  if (typeof set.label === 'string') sane.label = singleLine(set.label).slice(0, MAX_LABEL_LENGTH);
  if (typeof set.color === 'string' && /^#[0-9a-f]{6}$/i.test(set.color)) sane.color = set.color.toLowerCase();
  if (Number.isFinite(set.place)) sane.place = set.place;
  if (typeof set.locked === 'boolean') sane.locked = set.locked;
  sane.stage = STAGES.find(stage => stage === set.stage);
  sane.source = SOURCES.find(source => source === set.source);
  sane.seconds = numberIn(set.seconds, 0, MAX_SECONDS);
  sane.predicted_iou = numberIn(set.predicted_iou, -10, 10);
  sane.stability_score = numberIn(set.stability_score, 0, 1);
  return /** @type {Partial<Traits>} */ (
    Object.fromEntries(Object.entries(sane).filter(([, value]) => value !== undefined))
  );
}
