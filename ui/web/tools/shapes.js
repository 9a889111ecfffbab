// Geometry of paths and boxes, in pixels of the frame.

/** @typedef {[left: boolean, top: boolean, right: boolean, bottom: boolean]} Edges */

/**
 * Tenths of a pixel are enough.
 * @param {Position} position
 * @returns {Position}
 */
export const roundToTenth = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];

/**
 * The distance from the start of a path to each of its points.
 * @param {Position[]} path
 */
function distancesAlong(path) {
  const distances = [0];
  for (let at = 1; at < path.length; at += 1) {
    const [[x0, y0], [x1, y1]] = [path[at - 1], path[at]];
    distances.push(distances[at - 1] + Math.hypot(x1 - x0, y1 - y0));
  }
  return distances;
}

/** @param {Position[]} path */
export const pathLength = path => distancesAlong(path)[path.length - 1];

/**
 * Evenly spaced points along a path, half an interval from its ends.
 * @param {Position[]} path
 * @param {number} count
 * @returns {Position[]}
 */
export function pointsAlong(path, count) {
  const distances = distancesAlong(path);
  return Array.from({ length: count }, (_, index) => {
    if (path.length < 2) return path[0];
    const distance = (distances[path.length - 1] * (index + 0.5)) / count;
    const end = Math.max(
      1,
      distances.findIndex(each => each >= distance),
    );
    const [[x0, y0], [x1, y1]] = [path[end - 1], path[end]];
    const share = (distance - distances[end - 1]) / Math.max(1e-6, distances[end] - distances[end - 1]);
    return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
  });
}

/**
 * The edges of a box that a position is near, of two opposite ones the nearer.
 * @param {Box} box
 * @param {Position} position
 * @param {number} near
 * @returns {Edges}
 */
export function edgesAt([left, top, right, bottom], [x, y], near) {
  if (x < left - near || x > right + near || y < top - near || y > bottom + near) return [false, false, false, false];
  const [toLeft, toTop, toRight, toBottom] = [x - left, y - top, right - x, bottom - y].map(Math.abs);
  return [
    toLeft <= near && toLeft <= toRight,
    toTop <= near && toTop <= toBottom,
    toRight <= near && toRight < toLeft,
    toBottom <= near && toBottom < toTop,
  ];
}

/**
 * A box with these of its edges moved to a position.
 * @param {Box} box
 * @param {Edges} edges
 * @param {Position} position
 */
export const withEdgesAt = ([left, top, right, bottom], edges, [x, y]) =>
  boxBetween([edges[0] ? x : left, edges[1] ? y : top], [edges[2] ? x : right, edges[3] ? y : bottom]);

/**
 * The box with these two corners.
 * @param {Position} a
 * @param {Position} b
 * @returns {Box}
 */
export const boxBetween = ([x0, y0], [x1, y1]) => [
  Math.min(x0, x1),
  Math.min(y0, y1),
  Math.max(x0, x1),
  Math.max(y0, y1),
];

/**
 * @param {Box} box
 * @param {Place} place
 */
export const overlaps = ([left, top, right, bottom], [x, y, width, height]) =>
  x < right && y < bottom && x + width > left && y + height > top;

/**
 * @param {Box} outer
 * @param {Box} inner
 */
export const contains = (outer, inner) =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

/**
 * The smallest place around all of them.
 * @param {Place[]} places
 * @returns {Place}
 */
export function unionOf(places) {
  const left = Math.min(...places.map(([x]) => x));
  const top = Math.min(...places.map(([, y]) => y));
  const right = Math.max(...places.map(([x, , width]) => x + width));
  const bottom = Math.max(...places.map(([, y, , height]) => y + height));
  return [left, top, right - left, bottom - top];
}
