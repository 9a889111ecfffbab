/**
 * A color on the way through several.
 * @param {string[]} colors each #rrggbb
 * @param {number} share of the way, 0 to 1
 */
export function blend(colors, share) {
  const place = share * (colors.length - 1);
  const lower = Math.min(colors.length - 2, Math.floor(place));
  const [a, b] = [colors[lower], colors[lower + 1]].map(color =>
    [1, 3, 5].map(at => Number.parseInt(color.slice(at, at + 2), 16)),
  );
  return `rgb(${a.map((part, at) => Math.round(part + (b[at] - part) * (place - lower))).join()})`;
}
