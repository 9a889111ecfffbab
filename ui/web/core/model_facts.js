// What the list of models says about each: how good it is, how fast, and how large.

/** @import { ModelData } from '../protocol.js' */

/** @param {number} number */
export const shortNumber = number => (number < 10 ? number.toFixed(1) : `${Math.round(number)}`);

/** @param {ModelData} model */
export const isPublished = ({ weights }) => weights !== 'own' && weights !== 'trained';

/** @param {ModelData} model */
export const qualityText = ({ quality, figure, source }) =>
  quality ? `Quality: ${quality}${figure ? ` · ${figure} (${source})` : ''}` : '';

/** @param {number} seconds */
const seconds = seconds => `${seconds < 1 ? seconds.toFixed(2) : shortNumber(seconds)} s for a photo`;

/** @param {number} rate */
const rate = rate => `${rate < 1 ? rate.toFixed(2) : shortNumber(rate)} frames/s to track`;

/**
 * How fast it was here, and where that is not known, about how fast it should be.
 * @param {ModelData} model
 */
export function speedText({ measured = {}, estimated = {} }) {
  const facts = /** @type {const} */ ([
    ['photo_seconds', seconds],
    ['frames_per_second', rate],
  ]);
  const known = facts.flatMap(([name, words]) => (measured[name] ? words(measured[name]) : []));
  const guessed = facts.flatMap(([name, words]) => (!measured[name] && estimated[name] ? words(estimated[name]) : []));
  const parts = [
    known.length && `Measured here: ${known.join(', ')}`,
    guessed.length && `Estimate: about ${guessed.join(', ')}`,
  ];
  return parts.filter(Boolean).join(' · ');
}

/**
 * What can be told without a measurement.
 * @param {ModelData} model
 */
export function workText(model) {
  const { picture = 0, frame } = model;
  if (!isPublished(model)) return '';
  if (picture === 1) return 'The least work';
  const tracking = frame === undefined ? 'for pictures only' : `${shortNumber(frame)}× to track`;
  return `Work: ${shortNumber(picture)}× nano for a picture, ${tracking}`;
}

/** @param {ModelData} model */
export const sizeText = ({ parameters, megabytes = 0, licence }) =>
  parameters ? `${parameters} M parameters · ${shortNumber(megabytes)} MB · ${licence}` : '';
