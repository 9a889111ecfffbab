// Drawing masks: in color with an outline, hatched, and as small pictures of a part of a frame.

import { canvasOf } from '../shared/canvas.js';
import { clamp } from '../shared/values.js';

// A mask in its color, and its outline: the mask moved around in a circle, minus the mask itself.
export async function drawSprite(record, color, thickness, pattern = null) {
  if (!record.area) return null;
  const [x, y, width, height] = record.place;
  const bitmap = await createImageBitmap(record.png);
  const [fill, ink] = canvasOf(width, height);
  ink.drawImage(bitmap, 0, 0);
  ink.globalCompositeOperation = 'source-in';
  ink.fillStyle = color;
  ink.fillRect(0, 0, width, height);
  if (pattern !== null) hatch(ink, record.place, color, thickness, pattern);
  const pad = Math.ceil(thickness);
  const [edge, pen] = canvasOf(width + 2 * pad, height + 2 * pad);
  for (let turn = 0; turn < 8; turn += 1) {
    const angle = (turn * Math.PI) / 4;
    pen.drawImage(fill, pad + thickness * Math.cos(angle), pad + thickness * Math.sin(angle));
  }
  pen.globalCompositeOperation = 'destination-out';
  pen.drawImage(bitmap, pad, pad);
  bitmap.close();
  return { fill, ink, edge, x, y, pad };
}
const SLOPE_UP = [
  [0, 1, 1, 0],
  [-0.5, 0.5, 0.5, -0.5],
  [0.5, 1.5, 1.5, 0.5],
];
const SLOPE_DOWN = [
  [0, 0, 1, 1],
  [-0.5, 0.5, 0.5, 1.5],
  [0.5, -0.5, 1.5, 0.5],
];
const ACROSS = [[0, 0.5, 1, 0.5]];
const UPRIGHT = [[0.5, 0, 0.5, 1]];
const DOT = [[0.5, 0.5, 0.51, 0.5]];
// A prime number of them, so that objects that share a color differ here. Each is drawn into a tile of side 1.
export const PATTERNS = [
  SLOPE_UP,
  ACROSS,
  [...SLOPE_UP, ...SLOPE_DOWN],
  DOT,
  SLOPE_DOWN,
  UPRIGHT,
  [...ACROSS, ...UPRIGHT],
];

function isBright(color) {
  const [red, green, blue] = [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 110;
}

function hatch(ink, [x, y, width, height], color, thickness, pattern) {
  const side = Math.max(5, Math.round(6 * thickness));
  const lines = PATTERNS[pattern];
  const [tile, pen] = canvasOf(side, side);
  pen.scale(side, side);
  pen.lineWidth = ((lines === DOT ? 2.4 : 1.1) * Math.max(1, thickness)) / side;
  pen.lineCap = lines === DOT ? 'round' : 'square';
  pen.strokeStyle = isBright(color) ? '#000c' : '#fffc';
  pen.beginPath();
  for (const [x0, y0, x1, y1] of lines) {
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
  }
  pen.stroke();
  const tiles = ink.createPattern(tile, 'repeat');
  tiles.setTransform(new DOMMatrix().translate(-(x % side), -(y % side)));
  ink.globalCompositeOperation = 'source-atop';
  ink.fillStyle = tiles;
  ink.fillRect(0, 0, width, height);
}

const THUMB_MARGIN = 1.25; // the part that is shown, in sizes of the mask

// The part of a frame around a place [x, y, width, height], in a shape (width / height), within the frame where it fits:
// left, top and width.
export function partAround([x, y, width, height], frame, shape = 1) {
  const roomy = Math.max(24, THUMB_MARGIN * width, THUMB_MARGIN * height * shape);
  const wide = Math.min(roomy, Math.max(frame.width, frame.height * shape));
  const high = wide / shape;
  const start = (middle, side, room) => (side < room ? clamp(middle - side / 2, 0, room - side) : (room - side) / 2);
  return [start(x + width / 2, wide, frame.width), start(y + height / 2, high, frame.height), wide];
}

// Fills a canvas with a part of a frame and its mask.
export function drawPart(canvas, bitmap, sprite, { width, height }, [left, top, wide]) {
  const pen = canvas.getContext('2d');
  const scale = canvas.width / wide;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = 'high';
  pen.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  pen.drawImage(bitmap, 0, 0, width, height);
  pen.globalAlpha = 0.6;
  pen.drawImage(sprite.fill, sprite.x, sprite.y);
  pen.globalAlpha = 1;
  pen.drawImage(sprite.edge, sprite.x - sprite.pad, sprite.y - sprite.pad);
}
