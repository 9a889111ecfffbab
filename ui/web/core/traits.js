// Name, label and appearance of an object.

import { isPlain } from '../shared/values.js';

export const MAX_NAME_LENGTH = 80;
export const MAX_LABEL_LENGTH = 40;

/** @param {string} text */
export const singleLine = text => String(text).replace(/\s+/g, ' ').trim();

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
  return sane;
}
