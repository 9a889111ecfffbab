// What the list of models says about each: how good it is, how fast, and how large.

import { commas, number, told, tr } from '../shared/language.js';

/** @import { ModelData } from '../protocol.js' */

/** @param {number} value */
export const shortNumber = value => number(value, value < 10 ? 1 : 0);

/** @param {ModelData} model */
export const isPublished = ({ weights }) => weights !== 'own' && weights !== 'trained';

/** @param {ModelData} model */
export const qualityText = ({ quality, figure, source }) =>
  quality
    ? [
        tr('Quality: {quality}', { quality: told(quality) }),
        ...(figure ? [tr('{figure} ({source})', { figure: told(figure), source: told(source ?? '') })] : []),
      ].join(' · ')
    : '';

/** @param {number} value */
const exactNumber = value => (value < 1 ? number(value, 2) : shortNumber(value));

/** @param {number} seconds */
const seconds = seconds => tr('{n} s for a photo', { n: exactNumber(seconds) });

/** @param {number} rate */
const rate = rate => tr('{n} frames/s to track', { n: exactNumber(rate) });

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
    known.length && tr('Measured here: {facts}', { facts: commas(known) }),
    guessed.length && tr('Estimate: about {facts}', { facts: commas(guessed) }),
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
  if (picture === 1) return tr('The least work');
  return frame === undefined
    ? tr('Work: {picture}× nano for a picture, for pictures only', { picture: shortNumber(picture) })
    : tr('Work: {picture}× nano for a picture, {frame}× to track', {
        picture: shortNumber(picture),
        frame: shortNumber(frame),
      });
}

/** @param {ModelData} model */
export const sizeText = ({ parameters, megabytes = 0, licence }) =>
  parameters
    ? [
        tr('{n} M parameters', { n: parameters }),
        tr('{n} MB', { n: shortNumber(megabytes) }),
        told(licence ?? ''),
      ].join(' · ')
    : '';
