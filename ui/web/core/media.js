// Facts about what is open.

import { dimensions } from '../shared/format.js';
import { commas, plural, tr } from '../shared/language.js';
import { state } from './store.js';

export const isClip = () => state.medium?.kind === 'clip';
export const isAlbum = () => state.medium?.kind === 'album';
/** Only while something is open. */
export const openMedium = () => /** @type {Medium} */ (state.medium);

/** There is something to play and to track. */
export const hasTimeline = () => isClip() && openMedium().frames > 1;

/** @returns {Size} */
export const frameSize = (frame = state.frame) => {
  const { sizes, height: high, width: wide } = openMedium();
  const [height, width] = sizes?.[frame] ?? [high, wide];
  return { width, height };
};

/**
 * A frame in words; '' for a picture.
 * @param {number} frame
 */
export const frameName = frame =>
  isClip() ? tr('frame {n}', { n: frame + 1 }) : isAlbum() ? (openMedium().names?.[frame] ?? '') : '';

// What is played and tracked: the range, or the whole clip.
export const playedRange = () => state.range ?? { first: 0, last: Math.max(0, (state.medium?.frames ?? 1) - 1) };

/**
 * In seconds.
 * @param {number} frame
 */
export const timeOf = frame => openMedium().times?.[frame] ?? frame / (openMedium().fps || 1);

/**
 * The frame that is shown at a time of the clip, in seconds.
 * @param {number} time
 */
export function frameAtTime(time) {
  const { times, fps, frames } = openMedium();
  if (!times) return Math.min(frames - 1, Math.floor(time * fps + 1e-6));
  let [low, high] = [0, frames - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

const FACTS = /** @type {const} */ (['kind', 'frames', 'height', 'width', 'sizes']);
const NAMES = /** @type {const} */ (['name', 'names']);
/**
 * @param {readonly (keyof Medium)[]} facts
 * @param {Medium} one
 * @param {Medium} other
 */
const areEqual = (facts, one, other) => facts.every(fact => JSON.stringify(one[fact]) === JSON.stringify(other[fact]));

/**
 * Whether what was done with one fits on the other, whatever their files are called.
 * @param {Medium} one
 * @param {Medium} other
 */
export const isSameMedium = (one, other) => areEqual(FACTS, one, other);

/**
 * Whether both were opened from the same files, as far as can be told: photos of one camera have the same size.
 * @param {Medium} one
 * @param {Medium} other
 */
export const isSameFile = (one, other) => areEqual([...FACTS, ...NAMES], one, other);

/** @param {Medium} medium */
const photosOf = ({ name, height, width, names = [name], sizes = [[height, width]] }) =>
  names.map((each, k) => [each, sizes[k]]);

/**
 * Whether the medium is these photos and more.
 * @param {Medium} medium
 * @param {Medium} photos
 */
export function isExtended(medium, photos) {
  if (medium.kind !== 'album' || photos.kind === 'clip' || medium.frames <= photos.frames) return false;
  return JSON.stringify(photosOf(medium).slice(0, photos.frames)) === JSON.stringify(photosOf(photos));
}

/** @param {Medium} medium */
export function describeMedium({ kind, name, frames: count, height, width, names = [] }) {
  if (kind === 'album')
    return plural(count, 'the {n} photo “{first}” to “{last}”', 'the {n} photos “{first}” to “{last}”', {
      first: names[0],
      last: names[count - 1],
    });
  const facts = [dimensions({ width, height }), ...(kind === 'clip' ? [plural(count, '{n} frame', '{n} frames')] : [])];
  return tr('“{name}” ({facts})', { name, facts: commas(facts) });
}
