// Masks as COCO's run lengths {size: [height, width], counts: text}: the page's copy of Mask.to_coco and Mask.from_coco in
// sam2_core/types.py. Pixels are a Uint8Array of zeros and ones, row by row; runs go down the columns, the first counts zeros.

/**
 * The runs of a mask of this size whose pixels lie within `place`, where those of `pixels` are.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} height
 * @param {Place} place
 */
export function runsOf(pixels, width, height, [left, top, wide, high] = [0, 0, width, height]) {
  const counts = [];
  let [start, end] = [0, 0]; // of the last run of zeros and of the ones after it, in pixels down the columns
  for (let x = 0; x < wide; x += 1) {
    for (let y = 0; y < high; y += 1) {
      if (!pixels[y * wide + x]) continue;
      const position = (left + x) * height + top + y;
      if (!counts.length || position > end) {
        if (counts.length) counts.push(end - start);
        counts.push(position - end);
        start = position;
      }
      end = position + 1;
    }
  }
  if (counts.length) counts.push(end - start);
  if (end < width * height || !counts.length) counts.push(width * height - end);
  return counts;
}

// From the fourth run on, each is stored as its difference to the one two places before, in digits of five bits, the lowest
// first; a sixth bit says that more digits follow.
/**
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} height
 * @param {Place} [place] as in `runsOf`
 * @returns {RunLengths & { counts: string }}
 */
export function encodeRuns(pixels, width, height, place) {
  const counts = runsOf(pixels, width, height, place);
  /** @type {string[]} */
  const text = [];
  counts.forEach((count, place) => {
    let value = place > 2 ? count - counts[place - 2] : count;
    let more = true;
    while (more) {
      const digit = value & 31;
      value >>= 5;
      more = digit & 16 ? value !== -1 : value !== 0;
      text.push(String.fromCharCode((more ? digit | 32 : digit) + 48));
    }
  });
  return { size: [height, width], counts: text.join('') };
}

/** @param {string} text */
export function countsOf(text) {
  /** @type {number[]} */
  const counts = [];
  for (let place = 0; place < text.length; ) {
    let value = 0;
    let shift = 0;
    let digit = 32;
    for (; digit & 32; shift += 5, place += 1) {
      digit = text.charCodeAt(place) - 48;
      if (!(digit >= 0 && digit < 64) || shift > 30) throw new RangeError('not a run-length text');
      value += (digit & 31) * 2 ** shift;
      if (!(digit & 32) && digit & 16) value -= 2 ** (shift + 5);
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

/**
 * Takes counts as a list too, which COCO knows as the uncompressed form. Throws RangeError for what is no mask.
 * @param {RunLengths} mask
 */
export function decodeRuns({ size: [height, width], counts }) {
  const runs = typeof counts === 'string' ? countsOf(counts) : counts;
  const pixels = new Uint8Array(width * height);
  let place = 0;
  let value = 0;
  for (const run of runs) {
    if (!Number.isInteger(run) || run < 0 || place + run > pixels.length)
      throw new RangeError('runs beyond the picture');
    for (const end = place + run; value && place < end; place += 1) {
      pixels[(place % height) * width + Math.floor(place / height)] = 1;
    }
    place = value ? place : place + run;
    value = 1 - value;
  }
  if (place !== pixels.length) throw new RangeError('runs do not fill the picture');
  return pixels;
}

/**
 * The box around a mask and its number of pixels; null for an empty one. Throws RangeError for what is no text of runs.
 * @param {RunLengths & { counts: string }} mask
 * @returns {{ place: Place, area: number } | null}
 */
export function boundsOf({ size: [height], counts }) {
  let [left, top, right, bottom, area, start] = [Infinity, Infinity, -1, -1, 0, 0];
  countsOf(counts).forEach((run, place) => {
    const last = start + run - 1;
    if (place % 2 && run) {
      const [first, end] = [Math.floor(start / height), Math.floor(last / height)];
      area += run;
      left = Math.min(left, first);
      right = Math.max(right, end);
      top = Math.min(top, first < end ? 0 : start % height);
      bottom = Math.max(bottom, first < end ? height - 1 : last % height);
    }
    start = last + 1;
  });
  return area ? { place: [left, top, right - left + 1, bottom - top + 1], area } : null;
}

/**
 * The opaque pixels of a canvas.
 * @param {HTMLCanvasElement} canvas
 */
export function opaque(canvas) {
  const { width, height } = canvas;
  const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height);
  for (let place = 0; place < pixels.length; place += 1) pixels[place] = data[4 * place + 3] > 127 ? 1 : 0;
  return pixels;
}

/**
 * The inverse: white where the mask is.
 * @param {CanvasRenderingContext2D} pen
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} height
 */
export function drawPixels(pen, pixels, width, height) {
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let place = 0; place < pixels.length; place += 1) if (pixels[place]) words[place] = 0xffffffff;
  pen.putImageData(image, 0, 0);
}
