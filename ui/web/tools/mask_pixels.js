// The pixels of mask prompts from pictures: what is in the mask, and scaling to the size of a frame.

const MAX_EXACT_COLORS = 32; // of a picture whose colors are objects, not soft edges
const MAX_COLORS = 4096;
const MAX_ASPECT_ERROR = 0.05; // of very small masks, on which a pixel is much

/**
 * Which pixels (1) of RGBA values are in the mask: where the opacity varies, those that are at least half as opaque as the
 * most opaque one; else all that are not black, of soft masks only those that are at least half as bright as the brightest
 * one. Null for a photo.
 * @param {Uint8ClampedArray} data
 */
export function maskOf(data) {
  const count = data.length / 4;
  const opacity = (/** @type {number} */ place) => data[4 * place + 3];
  const level = (/** @type {number} */ place) => Math.max(data[4 * place], data[4 * place + 1], data[4 * place + 2]);
  let [lowest, highest, peak] = [255, 0, 0];
  for (let place = 0; place < count; place += 1) {
    lowest = Math.min(lowest, opacity(place));
    highest = Math.max(highest, opacity(place));
    peak = Math.max(peak, level(place));
  }
  if (lowest < highest) return Uint8Array.from({ length: count }, (_, place) => Number(2 * opacity(place) >= highest));
  const { colors, isGray } = colorsOf(data);
  if (colors > MAX_COLORS) return null;
  const isSoft = colors > MAX_EXACT_COLORS || (isGray && peak === 255);
  const least = Math.max(1, isSoft ? peak / 2 : 0);
  return Uint8Array.from({ length: count }, (_, place) => Number(level(place) >= least));
}

/**
 * How many colors there are, counted up to the limit, and whether all are gray.
 * @param {Uint8ClampedArray} data
 */
function colorsOf(data) {
  const found = new Set();
  let isGray = true;
  for (let place = 0; place < data.length && found.size <= MAX_COLORS; place += 4) {
    const [red, green, blue] = [data[place], data[place + 1], data[place + 2]];
    isGray &&= red === green && green === blue;
    found.add((red << 16) | (green << 8) | blue);
  }
  return { colors: found.size, isGray };
}

/**
 * Has a mask the aspect of the frame, up to a pixel on each side?
 * @param {Size} size
 * @param {Size} frame
 */
export function isScaled({ width, height }, frame) {
  if (!width || !height) return false;
  const low = Math.max((width - 1) / frame.width, (height - 1) / frame.height);
  const high = Math.min((width + 1) / frame.width, (height + 1) / frame.height);
  return low <= high && Math.abs((width * frame.height) / (height * frame.width) - 1) <= MAX_ASPECT_ERROR;
}

/**
 * The nearest pixels of a mask at another size.
 * @param {Uint8Array} pixels
 * @param {Size} size
 * @param {Size} frame
 */
export function scaled(pixels, size, frame) {
  if (size.width === frame.width && size.height === frame.height) return pixels;
  const nearest = (/** @type {number} */ place, /** @type {number} */ count, /** @type {number} */ own) =>
    Math.floor(((2 * place + 1) * own) / (2 * count));
  return Uint8Array.from({ length: frame.width * frame.height }, (_, place) => {
    const row = nearest(Math.floor(place / frame.width), frame.height, size.height);
    return pixels[row * size.width + nearest(place % frame.width, frame.width, size.width)];
  });
}
