// Outlines of binary masks as polygons. Their corners are corners of pixels: a mask of one pixel goes from 0, 0 to 1, 1.

/** Right, down, left, up. */
const X_STEPS = [1, 0, -1, 0];
const Y_STEPS = [0, 1, 0, -1];

/**
 * The closed outlines of a mask, those of its holes included, each as the x and y of its corners in turn. The mask lies to
 * the right of the direction of travel; pixels that touch only at a corner are apart.
 * @param {ArrayLike<number>} pixels row by row, 0 outside of the mask
 * @param {number} width
 * @param {number} height
 */
export function ringsOf(pixels, width, height) {
  const columns = width + 1;
  const edges = new Uint8Array(columns * (height + 1)); // corner -> bits of the directions in which edges leave it
  for (let y = 0, place = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, place += 1) {
      if (!pixels[place]) continue;
      const corner = y * columns + x;
      if (!y || !pixels[place - width]) edges[corner] |= 1;
      if (x === width - 1 || !pixels[place + 1]) edges[corner + 1] |= 2;
      if (y === height - 1 || !pixels[place + width]) edges[corner + columns + 1] |= 4;
      if (!x || !pixels[place - 1]) edges[corner + columns] |= 8;
    }
  }
  /** @type {number[][]} */
  const rings = [];
  for (let corner = 0; corner < edges.length; corner += 1)
    while (edges[corner]) rings.push(takeRing(edges, columns, corner));
  return rings;
}

/**
 * Follows the edges from a corner until they close, and removes them. Where two edges leave a corner, the right turn is
 * taken.
 * @param {Uint8Array} edges
 * @param {number} columns
 * @param {number} start
 */
function takeRing(edges, columns, start) {
  const ring = [];
  let corner = start;
  let direction = edges[start] & 1 ? 0 : 1; // the first corner of a ring is its topmost one, and of those the leftmost
  let last = -1;
  do {
    if (direction !== last) ring.push(corner % columns, Math.floor(corner / columns));
    edges[corner] &= ~(1 << direction);
    corner += X_STEPS[direction] + columns * Y_STEPS[direction];
    last = direction;
    for (const turn of [1, 0, 3]) {
      direction = (last + turn) & 3;
      if (edges[corner] & (1 << direction)) break;
    }
  } while (edges[corner] & (1 << direction) && (corner !== start || direction === ((last + 1) & 3)));
  return ring;
}

/**
 * A closed outline without the corners that lie within `tolerance` of the line between others (Douglas–Peucker).
 * @param {number[]} ring
 * @param {number} tolerance
 */
export function simplifyRing(ring, tolerance) {
  const count = ring.length / 2;
  if (count <= 4) return ring;
  const keep = new Uint8Array(count);
  const middle = farthestFrom(ring, 0);
  keep[0] = keep[middle] = 1;
  const parts = [
    [0, middle],
    [middle, count],
  ];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    const [far, distance] = farthestFromLine(ring, first, last);
    if (distance <= tolerance) continue;
    keep[far] = 1;
    parts.push([first, far], [far, last]);
  }
  return ring.filter((_, place) => keep[place >> 1]);
}

/**
 * @param {number[]} ring
 * @param {number} corner
 */
function farthestFrom(ring, corner) {
  let [far, most] = [0, -1];
  for (let other = 0; other < ring.length / 2; other += 1) {
    const distance = Math.hypot(ring[2 * other] - ring[2 * corner], ring[2 * other + 1] - ring[2 * corner + 1]);
    if (distance > most) [far, most] = [other, distance];
  }
  return far;
}

/**
 * Of the corners between two others, the farthest from the line between those, and how far it is.
 * @param {number[]} ring
 * @param {number} first
 * @param {number} last beyond the end: the first corner again
 */
function farthestFromLine(ring, first, last) {
  const end = (2 * last) % ring.length;
  const [x, y] = [ring[2 * first], ring[2 * first + 1]];
  const [dx, dy] = [ring[end] - x, ring[end + 1] - y];
  const length = Math.hypot(dx, dy) || 1;
  let [far, most] = [first, 0];
  for (let corner = first + 1; corner < last; corner += 1) {
    const distance = Math.abs(dx * (ring[2 * corner + 1] - y) - dy * (ring[2 * corner] - x)) / length;
    if (distance > most) [far, most] = [corner, distance];
  }
  return /** @type {const} */ ([far, most]);
}

// Taubin's smoothing: a step inward and a slightly longer one outward, so that a ring does not shrink.
const INWARD = 0.5;
const OUTWARD = -0.53;
const ROUNDS = 12;
const MIN_SMOOTHED = 16; // corners; smaller rings would lose their shape
const SMOOTH_TOLERANCE = 0.12; // pixels by which corners of a smooth ring may be left out

/**
 * A ring of `ringsOf` as a smooth line: through the middles of the edges of its pixels, without their steps.
 * @param {number[]} ring
 */
export function smoothRing(ring) {
  let line = edgeMiddles(ring);
  if (line.length >= 2 * MIN_SMOOTHED)
    for (let round = 0; round < ROUNDS; round += 1) line = relaxed(relaxed(line, INWARD), OUTWARD);
  return simplifyRing([...line], SMOOTH_TOLERANCE);
}

/** @param {number[]} ring */
function edgeMiddles(ring) {
  const middles = [];
  for (let at = 0; at < ring.length; at += 2) {
    const next = (at + 2) % ring.length;
    const [dx, dy] = [ring[next] - ring[at], ring[next + 1] - ring[at + 1]];
    const length = Math.abs(dx) + Math.abs(dy);
    for (let step = 0.5; step < length; step += 1)
      middles.push(ring[at] + (dx * step) / length, ring[at + 1] + (dy * step) / length);
  }
  return Float64Array.from(middles);
}

/**
 * Each corner moved toward the middle of its neighbors.
 * @param {Float64Array} line
 * @param {number} share of the way
 */
function relaxed(line, share) {
  const { length } = line;
  const moved = new Float64Array(length);
  for (let at = 0; at < length; at += 1) {
    const middle = (line[(at + length - 2) % length] + line[(at + 2) % length]) / 2;
    moved[at] = line[at] + share * (middle - line[at]);
  }
  return moved;
}
