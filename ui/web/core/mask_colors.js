// Which color of the palette a new object gets: its own by number, unless that hardly differs from the picture there.
// Differences are distances in OKLab (Ottosson 2020), which are about as large as people see them.

/** @typedef {[lightness: number, a: number, b: number]} Lab */

const MIN_CONTRAST = 0.17; // from the picture, for a color to be kept
const SHARE = 0.25; // of the pixels, which may be closer to the color than its contrast says

/** @param {number} channel 0 to 255 */
const linear = channel => {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

/**
 * @param {ArrayLike<number>} channels red, green and blue
 * @param {number} [at] where they begin
 * @returns {Lab}
 */
export function labOf(channels, at = 0) {
  const [red, green, blue] = [linear(channels[at]), linear(channels[at + 1]), linear(channels[at + 2])];
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {string} color #rrggbb */
const labOfHex = color => labOf([1, 3, 5].map(place => Number.parseInt(color.slice(place, place + 2), 16)));

/**
 * How far a color is from those of a picture.
 * @param {string} color #rrggbb
 * @param {Lab[]} picture
 */
function contrastOf(color, picture) {
  const [l, a, b] = labOfHex(color);
  const distances = picture.map(each => Math.hypot(l - each[0], a - each[1], b - each[2])).sort((x, y) => x - y);
  return distances[Math.floor(SHARE * distances.length)] ?? Infinity;
}

/**
 * The preferred color where it stands out, else the one of the palette that does most; colors in use come last.
 * @param {string} preferred
 * @param {string[]} palette
 * @param {string[]} used colors of other objects
 * @param {ArrayLike<number>} pixels of the picture where the object is, RGBA
 */
export function contrastingColor(preferred, palette, used, pixels) {
  const picture = Array.from({ length: pixels.length / 4 }, (_, at) => labOf(pixels, 4 * at));
  if (!picture.length || contrastOf(preferred, picture) >= MIN_CONTRAST) return preferred;
  const free = palette.filter(color => !used.includes(color));
  const candidates = free.length ? free : palette;
  const contrasts = candidates.map(color => contrastOf(color, picture));
  return candidates[contrasts.indexOf(Math.max(...contrasts))];
}
