// Clean-ups of masks as pixels, row by row, 1 in the mask. Each returns new pixels of the same size.

const MIN_ISLAND_SHARE = 0.1; // of the largest part, for a part to stay
const SMOOTHING = 0.02; // radius of the blur, in sides of a square as large as the mask
const BLURS = 3; // box blurs in a row are nearly a Gaussian

/**
 * The connected parts of the pixels with this value: a label from 1 on for each pixel, 0 for the others, and the areas by
 * label.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} value
 * @param {boolean} diagonal whether pixels that touch at a corner are connected
 */
function partsOf(pixels, width, value, diagonal) {
  const height = pixels.length / width;
  const labels = new Int32Array(pixels.length);
  const areas = [0];
  /** @type {number[]} */
  const stack = [];
  for (let start = 0; start < pixels.length; start += 1) {
    if (labels[start] || pixels[start] !== value) continue;
    const label = areas.push(0) - 1;
    labels[start] = label;
    stack.push(start);
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      areas[label] += 1;
      const [x, y] = [place % width, Math.floor(place / width)];
      for (let dy = -1; dy <= 1; dy += 1)
        for (let dx = -1; dx <= 1; dx += 1) {
          if ((!diagonal && dx && dy) || x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
          const next = place + dy * width + dx;
          if (labels[next] || pixels[next] !== value) continue;
          labels[next] = label;
          stack.push(next);
        }
    }
  }
  return { labels, areas };
}

/**
 * Without holes: what the mask surrounds belongs to it.
 * @param {Uint8Array} pixels
 * @param {number} width
 */
export function fillHoles(pixels, width) {
  const height = pixels.length / width;
  const { labels } = partsOf(pixels, width, 0, false);
  const outside = new Set();
  for (let x = 0; x < width; x += 1) outside.add(labels[x]).add(labels[(height - 1) * width + x]);
  for (let y = 0; y < height; y += 1) outside.add(labels[y * width]).add(labels[(y + 1) * width - 1]);
  return pixels.map((pixel, place) => (pixel || !outside.has(labels[place]) ? 1 : 0));
}

/**
 * Without the parts that are much smaller than the largest one.
 * @param {Uint8Array} pixels
 * @param {number} width
 */
export function dropIslands(pixels, width) {
  const { labels, areas } = partsOf(pixels, width, 1, true);
  const least = MIN_ISLAND_SHARE * areas.reduce((most, area) => Math.max(most, area), 0);
  return pixels.map((pixel, place) => (pixel && areas[labels[place]] >= least ? 1 : 0));
}

/**
 * With smooth edges: blurred, and cut at the middle. What is thinner than the blur goes.
 * @param {Uint8Array} pixels
 * @param {number} width
 */
export function smoothEdges(pixels, width) {
  const height = pixels.length / width;
  const area = pixels.reduce((sum, pixel) => sum + pixel, 0);
  const radius = Math.max(1, Math.round(SMOOTHING * Math.sqrt(area)));
  let values = Float32Array.from(pixels);
  for (let round = 0; round < BLURS; round += 1) {
    values = blurred(values, height, width, 1, radius);
    values = blurred(values, width, 1, width, radius);
  }
  return Uint8Array.from(values, value => (value > 0.5 ? 1 : 0));
}

/**
 * The running mean along lines; beyond their ends, their last values go on.
 * @param {Float32Array} values
 * @param {number} lines
 * @param {number} lineStep from one line to the next
 * @param {number} step from one value of a line to the next
 * @param {number} radius
 */
function blurred(values, lines, lineStep, step, radius) {
  const count = values.length / lines;
  const result = new Float32Array(values.length);
  for (let line = 0; line < lines; line += 1) {
    const at = (/** @type {number} */ place) =>
      values[line * lineStep + Math.max(0, Math.min(count - 1, place)) * step];
    let sum = 0;
    for (let place = -radius; place <= radius; place += 1) sum += at(place);
    for (let place = 0; place < count; place += 1) {
      result[line * lineStep + place * step] = sum / (2 * radius + 1);
      sum += at(place + radius + 1) - at(place - radius);
    }
  }
  return result;
}
