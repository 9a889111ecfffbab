import { canvasOf } from '../shared/canvas.js';

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
    const angle = turn * Math.PI / 4;
    pen.drawImage(fill, pad + thickness * Math.cos(angle), pad + thickness * Math.sin(angle));
  }
  pen.globalCompositeOperation = 'destination-out';
  pen.drawImage(bitmap, pad, pad);
  bitmap.close();
  return { fill, ink, edge, x, y, pad };
}const SLOPE_UP = [[0, 1, 1, 0], [-0.5, 0.5, 0.5, -0.5], [0.5, 1.5, 1.5, 0.5]];
const SLOPE_DOWN = [[0, 0, 1, 1], [-0.5, 0.5, 0.5, 1.5], [0.5, -0.5, 1.5, 0.5]];
const ACROSS = [[0, 0.5, 1, 0.5]];
const UPRIGHT = [[0.5, 0, 0.5, 1]];
const DOT = [[0.5, 0.5, 0.51, 0.5]];
// A prime number of them, so that objects that share a color differ here. Each is drawn into a tile of side 1.
export const PATTERNS = [SLOPE_UP, ACROSS, [...SLOPE_UP, ...SLOPE_DOWN], DOT, SLOPE_DOWN, UPRIGHT, [...ACROSS, ...UPRIGHT]];

function isBright(color) {
  const [red, green, blue] = [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 110;
}

function hatch(ink, [x, y, width, height], color, thickness, pattern) {
  const side = Math.max(5, Math.round(6 * thickness)), lines = PATTERNS[pattern], [tile, pen] = canvasOf(side, side);
  pen.scale(side, side);
  pen.lineWidth = (lines === DOT ? 2.4 : 1.1) * Math.max(1, thickness) / side;
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
