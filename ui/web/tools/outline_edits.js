// Outlines of a mask as polygons that can be edited: pure functions on rings of corners, in pixels of the frame.

import { ringsOf, simplifyRing } from '../shared/contours.js';
import { distanceToEdge } from './shapes.js';

/** @typedef {Position[]} Ring a closed polygon */
/** @typedef {{ ring: number; corner: number }} Corner indices */

const MAX_CORNERS = 100; // of all rings, unless there are too many rings for that
const MIN_TOLERANCE = 0.8; // pixels
const MIN_RING_AREA = 12; // pixels; smaller ones are left alone

/** @param {Ring} ring */
export function areaOf(ring) {
  const twice = ring.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = ring[(at + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/**
 * The outlines of a mask with few corners.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @returns {Ring[]}
 */
export function editableRings(pixels, width) {
  const rings = ringsOf(pixels, width, pixels.length / width);
  for (let tolerance = MIN_TOLERANCE; ; tolerance *= 1.5) {
    const simple = rings
      .map(ring => toPositions(simplifyRing(ring, tolerance)))
      .filter(ring => areaOf(ring) >= MIN_RING_AREA);
    const count = simple.reduce((sum, ring) => sum + ring.length, 0);
    if (count <= Math.max(MAX_CORNERS, 5 * simple.length)) return simple;
  }
}

/**
 * @param {number[]} flat
 * @returns {Ring}
 */
const toPositions = flat =>
  Array.from({ length: flat.length / 2 }, (_, at) => /** @type {Position} */ ([flat[2 * at], flat[2 * at + 1]]));

/**
 * The corner nearest to a position, within reach.
 * @param {Ring[]} rings
 * @param {Position} position
 * @param {number} reach
 * @returns {Corner | null}
 */
export function cornerAt(rings, [x, y], reach) {
  /** @type {Corner | null} */
  let nearest = null;
  let least = reach;
  for (const [ring, corners] of rings.entries())
    for (const [corner, each] of corners.entries()) {
      const distance = Math.hypot(each[0] - x, each[1] - y);
      if (distance <= least) [least, nearest] = [distance, { ring, corner }];
    }
  return nearest;
}

/**
 * The edge nearest to a position, within reach, as the corner that a new one there would be.
 * @param {Ring[]} rings
 * @param {Position} position
 * @param {number} reach
 * @returns {Corner | null}
 */
export function edgeAt(rings, position, reach) {
  /** @type {Corner | null} */
  let nearest = null;
  let least = reach;
  for (const [ring, corners] of rings.entries())
    for (const [corner, each] of corners.entries()) {
      const distance = distanceToEdge(position, each, corners[(corner + 1) % corners.length]);
      if (distance <= least) [least, nearest] = [distance, { ring, corner: corner + 1 }];
    }
  return nearest;
}

/**
 * @param {Ring[]} rings
 * @param {Corner} corner
 * @param {Position} position
 */
export const withCornerMoved = (rings, { ring, corner }, position) =>
  rings.map((each, at) => (at === ring ? each.with(corner, position) : each));

/**
 * @param {Ring[]} rings
 * @param {Corner} corner
 * @param {Position} position
 */
export const withCornerAdded = (rings, { ring, corner }, position) =>
  rings.map((each, at) => (at === ring ? each.toSpliced(corner, 0, position) : each));

/**
 * A ring of three corners goes as a whole.
 * @param {Ring[]} rings
 * @param {Corner} corner
 */
export const withCornerRemoved = (rings, { ring, corner }) =>
  rings.flatMap((each, at) => (at !== ring ? [each] : each.length > 3 ? [each.toSpliced(corner, 1)] : []));

/**
 * The corner `step` corners on, through all rings; the first one where there is none.
 * @param {Ring[]} rings
 * @param {Corner | null} from
 * @param {number} step
 * @returns {Corner | null}
 */
export function cornerAfter(rings, from, step) {
  const all = rings.flatMap((each, ring) => each.map((_, corner) => ({ ring, corner })));
  if (!all.length) return null;
  const place = all.findIndex(({ ring, corner }) => ring === from?.ring && corner === from.corner);
  return all[place < 0 ? 0 : (place + step + all.length) % all.length];
}
