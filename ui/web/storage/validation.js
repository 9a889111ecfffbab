// Checks of files that may come from anywhere.

import { tr } from '../shared/language.js';
import { isPlain } from '../shared/values.js';

const MAX_PATH_LENGTH = 1000;

/** The file cannot be used; the message may be shown. */
export class BadProject extends Error {}
/** It is another kind of file. */
export class NoProject extends BadProject {}

/**
 * Throws `BadProject` unless the condition holds.
 * @param {unknown} condition
 * @returns {asserts condition}
 */
export function check(condition) {
  if (!condition) throw new BadProject(tr('This project file is damaged: it cannot be read.'));
}

/**
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 * @returns {value is number}
 */
export const isWhole = (value, min, max) =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

/**
 * @param {unknown} value
 * @returns {value is number}
 */
export const isObjectId = value => isWhole(value, 1, 1e6);

/**
 * @param {unknown} value
 * @param {number} count
 * @returns {value is number[]}
 */
export const areNumbers = (value, count) =>
  Array.isArray(value) && value.length === count && value.every(Number.isFinite);

/**
 * @param {unknown} value
 * @param {number} max
 * @returns {value is string}
 */
export const isShort = (value, max) => typeof value === 'string' && value.length <= max;

/**
 * @param {unknown} value
 * @returns {value is [height: number, width: number]}
 */
const isSize = value => Array.isArray(value) && value.length === 2 && value.every(side => isWhole(side, 1, 1e5));

/**
 * @param {unknown} plain
 * @returns {Medium}
 */
export function readMedium(plain) {
  check(isPlain(plain) && typeof plain.name === 'string' && ['image', 'clip', 'album'].includes(plain.kind));
  const { name, kind, frames, height, width, fps } = plain;
  check(isWhole(frames, 1, 1e7) && isSize([height, width]) && Number.isFinite(fps));
  const photos = kind === 'album' ? readPhotos(plain, frames) : {};
  return { name: name.slice(0, MAX_PATH_LENGTH), kind, frames, height, width, fps, ...photos };
}

/**
 * @param {Record<string, unknown>} plain
 * @param {number} count
 */
function readPhotos({ sizes, names }, count) {
  check(Array.isArray(sizes) && sizes.length === count && sizes.every(isSize));
  check(Array.isArray(names) && names.length === count && names.every(name => typeof name === 'string'));
  return { sizes, names: names.map(name => name.slice(0, MAX_PATH_LENGTH)) };
}

/**
 * Height and width of a frame.
 * @param {number} frame
 * @param {Medium} medium
 */
export const sizeOn = (frame, { sizes, height, width }) => sizes?.[frame] ?? [height, width];
