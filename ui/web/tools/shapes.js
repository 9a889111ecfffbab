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

/**
 * @param {Position} position
 * @param {Position} start
 * @param {Position} end
 */
export function distanceToEdge([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const share = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}

/**
 * @param {Position[]} ring
 * @param {Position} position
 */
function isWithin(ring, [x, y]) {
  let inside = false;
  for (const [at, [x1, y1]] of ring.entries()) {
    const [x0, y0] = ring[(at + ring.length - 1) % ring.length];
    if (y1 > y !== y0 > y && x < ((x0 - x1) * (y - y1)) / (y0 - y1) + x1) inside = !inside;
  }
  return inside;
}

const GRID = 24; // positions that are tried on each side of the box around a ring

/**
 * Positions well inside of a ring and far from each other, the innermost first; fewer where there is no room for more.
 * @param {Position[]} ring
 * @param {number} count
 * @returns {Position[]}
 */
export function innerPoints(ring, count) {
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const [left, top, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  /** @type {{ position: Position; depth: number }[]} */
  const inside = [];
  for (let place = 0; place < GRID * GRID; place += 1) {
    const [column, row] = [(place % GRID) + 0.5, Math.floor(place / GRID) + 0.5];
    /** @type {Position} */
    const position = [left + (column * (right - left)) / GRID, top + (row * (bottom - top)) / GRID];
    if (!isWithin(ring, position)) continue;
    const depth = Math.min(...ring.map((each, at) => distanceToEdge(position, each, ring[(at + 1) % ring.length])));
    inside.push({ position, depth });
  }
  /** @type {Position[]} */
  const found = [];
  const deepest = Math.max(...inside.map(({ depth }) => depth));
  const worth = (/** @type {(typeof inside)[number]} */ { position: [x, y], depth }) =>
    Math.min(2 * depth, ...found.map(each => Math.hypot(each[0] - x, each[1] - y)));
  while (found.length < count && inside.length) {
    const best = inside.reduce((one, other) => (worth(other) > worth(one) ? other : one));
    if (found.length && worth(best) < deepest) break;
    found.push(best.position);
  }
  return found;
}
