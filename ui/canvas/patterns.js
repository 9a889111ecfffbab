// Hatching, so that objects can be told apart without their colors: lines and dots over the fill of a mask. They keep
// still while the mask moves, and are about as wide on the screen whatever the size of the frame.

const SLOPE_UP = [[0, 1, 1, 0], [-0.5, 0.5, 0.5, -0.5], [0.5, 1.5, 1.5, 0.5]];
const SLOPE_DOWN = [[0, 0, 1, 1], [-0.5, 0.5, 0.5, 1.5], [0.5, -0.5, 1.5, 0.5]];
const ACROSS = [[0, 0.5, 1, 0.5]], UPRIGHT = [[0.5, 0, 0.5, 1]];
const DOT = [[0.5, 0.5, 0.51, 0.5]];
// A prime number of them, so that objects that share a color differ here. Each is drawn into a tile of side 1.
const PATTERNS = [SLOPE_UP, ACROSS, [...SLOPE_UP, ...SLOPE_DOWN], DOT, SLOPE_DOWN, UPRIGHT, [...ACROSS, ...UPRIGHT]];

const patternOf = id => (state.patterns ? (id - 1) % PATTERNS.length : null);

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

function setPatterns(wanted) {
  state.patterns = wanted;
  find('patterns').setAttribute('aria-pressed', wanted);
}

on(find('patterns'), 'click', () => {
  setPatterns(!state.patterns);
  try { localStorage.setItem('masklet-patterns', state.patterns ? 'on' : ''); } catch { /* storage may be forbidden */ }
  tell('objects');
});
try { setPatterns(localStorage.getItem('masklet-patterns') === 'on'); } catch { /* storage may be forbidden */ }
