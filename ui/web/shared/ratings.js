// How good a mask probably is, in a word: good, check or poor. The server says it, by what its network's predicted IoU was
// measured to be worth.

import { make } from './elements.js';
import { percent } from './format.js';
import { tr } from './language.js';
import { clamp } from './values.js';

/** @import { WarningData } from '../protocol.js' */

export const RATINGS = /** @type {const} */ (['good', 'check', 'poor']);
/** @type {Record<Rating, string>} */
const WORDS = { good: tr('good'), check: tr('check'), poor: tr('poor') };

/** From this score on a warning is worth a look. */
export const SUSPICIOUS = 0.5;

/** @type {Record<WarningData['kind'], string>} */
export const REASONS = {
  lost: tr('lost'),
  low_iou: tr('the network is unsure of this mask'),
  area: tr('the mask suddenly grew or shrank'),
  pieces: tr('the mask fell into pieces far apart'),
  shift: tr('the mask jumped to another place'),
  overlap: tr('overlaps another object'),
  appearance: tr('looks different from where you clicked'),
  whole_frame: tr('covers the frame'),
};

/** @typedef {{ rating?: Rating; predicted_iou: number }} RatedMask */

/**
 * The word. The network does not judge a mask that is its prompt.
 * @param {RatedMask} mask
 */
export const ratingWord = ({ rating }) => (rating ? WORDS[rating] : tr('by hand'));

/**
 * What is behind the word, for tooltips.
 * @param {RatedMask} mask
 */
export const explainRating = ({ rating, predicted_iou }) =>
  rating
    ? tr('Predicted IoU {share}: how well the mask fits, as the network sees it', {
        share: percent(clamp(predicted_iou, 0, 1)),
      })
    : tr('This mask was given, so the network does not judge it');

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
