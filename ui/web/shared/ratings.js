// How good a mask probably is, in a word: good, check or poor. The server says it, by what its network's predicted IoU was
// measured to be worth.

import { make } from './elements.js';
import { clamp } from './values.js';

/** @import { WarningData } from '../protocol.js' */

export const RATINGS = /** @type {const} */ (['good', 'check', 'poor']);
const BY_HAND = 'by hand';

/** From this score on a warning is worth a look. */
export const SUSPICIOUS = 0.5;

/** @type {Record<WarningData['kind'], string>} */
export const REASONS = {
  lost: 'lost',
  low_iou: 'the network is unsure of this mask',
  area: 'the mask suddenly grew or shrank',
  pieces: 'the mask fell into pieces far apart',
  shift: 'the mask jumped to another place',
  overlap: 'overlaps another object',
  appearance: 'looks different from where you clicked',
  whole_frame: 'covers the frame',
};

/** @typedef {{ rating?: Rating; predicted_iou: number }} RatedMask */

/**
 * The word. The network does not judge a mask that is its prompt.
 * @param {RatedMask} mask
 */
export const ratingWord = ({ rating }) => rating ?? BY_HAND;

/**
 * What is behind the word, for tooltips.
 * @param {RatedMask} mask
 */
export const explainRating = ({ rating, predicted_iou }) =>
  rating
    ? `Predicted IoU ${Math.round(100 * clamp(predicted_iou, 0, 1))}%: how well the mask fits, as the network sees it`
    : 'This mask was given, so the network does not judge it';

/**
 * Shows the word in an element, after a dot in its color.
 * @param {HTMLElement} element
 * @param {RatedMask} mask
 */
export function showRating(element, mask) {
  const dot = make('i', 'mk-dot');
  if (mask.rating) element.dataset.rating = mask.rating;
  else delete element.dataset.rating;
  element.replaceChildren(...(mask.rating ? [dot] : []), ratingWord(mask));
}
