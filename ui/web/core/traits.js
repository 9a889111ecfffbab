// Name, label and appearance of an object, and how its masks were made.

import { RATINGS } from '../shared/ratings.js';
import { isPlain } from '../shared/values.js';

export const MAX_NAME_LENGTH = 80;
export const MAX_LABEL_LENGTH = 40;

/** The stages of the data engine, in their order. */
export const STAGES = /** @type {const} */ (['assisted', 'semi-automatic', 'automatic']);
/** Who made a mask: a person, the model with a person's approval, or the model alone. */
export const SOURCES = /** @type {const} */ (['person', 'confirmed', 'automatic']);
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
  sane.rating = RATINGS.find(rating => rating === set.rating);
  return { ...withoutGaps(sane), ...sanitizeScores(set) };
}

/**
 * The same of what is known of a mask of the model.
 * @param {Record<string, unknown>} set
 * @returns {Pick<Traits, 'seconds' | 'predicted_iou' | 'stability_score'>}
 */
export const sanitizeScores = ({ seconds, predicted_iou, stability_score }) =>
  withoutGaps({
    seconds: numberIn(seconds, 0, MAX_SECONDS),
    predicted_iou: numberIn(predicted_iou, -10, 10),
    stability_score: numberIn(stability_score, 0, 1),
  });

/**
 * @template {object} T
 * @param {T} set
 */
const withoutGaps = set =>
  /** @type {T} */ (Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)));
