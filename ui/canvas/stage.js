// The stage: the frame below, masks and markers above, or the frame as the effects paint it. Both canvases have the screen's
// resolution; `view` maps pixels of the original frame to them, so zooming is only another view.

const MARKER = 7, HANDLE = 7;  // radius of a point, side of a box's handle, in CSS pixels
const LEAST_ZOOM = 1, MOST_ZOOM = 16;
const POSITIVE = '#16a34a', NEGATIVE = '#dc2626';

const stage = find('stage'), baseCanvas = find('base'), overCanvas = find('over');
const basePen = baseCanvas.getContext('2d', { alpha: false }), overPen = overCanvas.getContext('2d');
const view = { zoom: 1, x: 0, y: 0, scale: 1, ratio: 1 };   // x, y: where the frame's corner lies, in CSS pixels
const NOTHING = { frame: -1, bitmap: null, painted: null, frameTurn: 0, sprites: [], masksTurn: 0 };
let shown = { ...NOTHING };                                  // what is on the canvases
let ghost = null;                                            // what a click here would give (hover.js)

function fitView() {
  const { width, height } = stage.getBoundingClientRect();
  if (!state.medium || !width) return;
  view.ratio = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of [baseCanvas, overCanvas]) {
    canvas.width = Math.round(width * view.ratio);
    canvas.height = Math.round(height * view.ratio);
  }
  placeView(width, height);
  draw();
  refreshMasks();                // their outlines have another width now
}

// Of the picture on the stage; in an album the next one may have another.
const shownSize = () => frameSize(shown.frame < 0 ? state.frame : shown.frame);

// Keeps the frame in sight: centred where it is smaller than the stage, else without a gap.
function placeView(width = stage.clientWidth, height = stage.clientHeight) {
  const size = shownSize();
  view.scale = view.zoom * Math.min(width / size.width, height / size.height);
  const [wide, high] = [size.width * view.scale, size.height * view.scale];
  view.x = wide <= width ? (width - wide) / 2 : clamp(view.x, width - wide, 0);
  view.y = high <= height ? (height - high) / 2 : clamp(view.y, height - high, 0);
  find('fit').disabled = view.zoom === 1;
  tell('view');
}

function zoomAt(factor, x, y) {
  const zoom = clamp(view.zoom * factor, LEAST_ZOOM, MOST_ZOOM), change = zoom / view.zoom;
  Object.assign(view, { zoom, x: x - (x - view.x) * change, y: y - (y - view.y) * change });
  placeView();
  draw();
  refreshMasks();
}

function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  placeView();
  draw();
}

function toFrame(event) {
  const corner = overCanvas.getBoundingClientRect();
  return [(event.clientX - corner.left - view.x) / view.scale, (event.clientY - corner.top - view.y) / view.scale];
}

const outlineWidth = () => Math.max(1, 1.6 / view.scale);   // pixels of the frame

// Shows a frame with its masks, both at once. What was wished earlier and becomes ready later is not shown any more, but
// a frame that is overtaken while the next one is on its way is: so scrubbing and tracking stay fluid.
let turns = 0;
async function show(frame) {
  const turn = ++turns, painted = previews.on ? await previews.get(frame) : null;
  if (painted === undefined) return false;
  const [bitmap, sprites] = await Promise.all([frames.get(frame), spritesOf(frame)]);
  if (turn < shown.frameTurn) return false;
  const newer = shown.frame === frame && shown.masksTurn > turn, before = shownSize();
  shown = { frame, bitmap, painted, frameTurn: turn, sprites: newer ? shown.sprites : sprites, masksTurn: Math.max(turn, newer ? shown.masksTurn : 0) };
  placeAgain(before);
  draw();
  return true;
}

// A photo of another size is seen as a whole, its outlines as thick as everywhere.
function placeAgain(before) {
  const { width, height } = shownSize();
  if (width === before.width && height === before.height) return;
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  placeView();
  refreshMasks();
}

async function refreshMasks() {
  const frame = shown.frame, turn = ++turns;
  if (frame < 0) return false;
  const sprites = await spritesOf(frame);
  if (frame !== shown.frame || turn < shown.masksTurn) return false;
  Object.assign(shown, { sprites, masksTurn: turn });
  drawOver();
  return true;
}

// The look or the masks have changed, or the effects are shown or hidden.
async function repaint() {
  const { frame } = shown;
  previews.pump();
  if (frame < 0 || (previews.on && state.playing)) return;      // what is played is painted on its way
  if (previews.on && frame !== state.frame) return void show(state.frame).catch(() => {});
  const painted = previews.on ? await previews.get(frame) : null;
  if (painted === undefined || frame !== shown.frame || (painted && !previews.on)) return;
  shown.painted = painted;
  draw();
}

async function spritesOf(frame) {
  if (masks.misses(frame)) {
    masks.asked.add(frame);
    line.say({ t: 'masks', first: frame, last: Math.min(state.medium.frames - 1, frame + 15) });
  }
  // Objects further down in the list lie above the others.
  const place = new Map([...masks.on(frame).keys()].map(object => [object, objects.said(object).place]));
  const wanted = [...masks.on(frame)].filter(([object]) => objects.isVisible(object))
    .sort(([a], [b]) => place.get(a) - place.get(b) || a - b);
  const sprites = await Promise.all(wanted.map(([object, record]) => spriteOf(object, record)));
  return sprites.filter(Boolean);
}

function spriteOf(object, record) {
  const thickness = Math.round(outlineWidth() * 4) / 4;
  return masks.sprite(record, objects.color(object), thickness, patternOf(object));
}

function draw() {
  if (!shown.bitmap || !state.medium) return;
  basePen.setTransform(1, 0, 0, 1, 0, 0);
  basePen.fillStyle = getComputedStyle(stage).backgroundColor;
  basePen.fillRect(0, 0, baseCanvas.width, baseCanvas.height);
  toView(basePen);
  basePen.imageSmoothingEnabled = view.scale * view.ratio < 3;   // far in, single pixels matter
  basePen.imageSmoothingQuality = state.playing ? 'low' : 'high';
  const { width, height } = shownSize();
  if (isPainted()) drawPainted(width, height);
  else basePen.drawImage(shown.bitmap, 0, 0, width, height);
  drawOver();
}

const isPainted = () => previews.on && !!shown.painted?.width;

// Over the chessboard that stands for nothing.
function drawPainted(width, height) {
  const side = 8 / view.scale, [tile, pen] = canvasOf(2, 2);
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, 2, 2);
  pen.fillStyle = '#d4d4d8';
  pen.fillRect(0, 0, 1, 1);
  pen.fillRect(1, 1, 1, 1);
  const board = basePen.createPattern(tile, 'repeat'), smoothly = basePen.imageSmoothingEnabled;
  board.setTransform(new DOMMatrix().scale(side));
  Object.assign(basePen, { fillStyle: board, imageSmoothingEnabled: false });
  basePen.fillRect(0, 0, width, height);
  basePen.imageSmoothingEnabled = smoothly;
  basePen.drawImage(shown.painted, 0, 0, width, height);
}

function toView(pen) {
  const scale = view.scale * view.ratio;
  pen.setTransform(scale, 0, 0, scale, view.x * view.ratio, view.y * view.ratio);
}

function drawOver() {
  overPen.setTransform(1, 0, 0, 1, 0, 0);
  overPen.clearRect(0, 0, overCanvas.width, overCanvas.height);
  toView(overPen);
  if (!isPainted()) drawMasks();
  if (ghost) drawGhost(ghost);
  if (state.playing) return;
  drawStrokes();
  if (!isPainted() || isInHand()) drawMarkers();
  drawCrosshair();
}

// Whoever only looks at a look sees it without what was clicked.
const isInHand = () => overCanvas.matches(':hover, :focus-visible');

function drawMasks() {
  overPen.globalAlpha = state.opacity;
  for (const sprite of shown.sprites) overPen.drawImage(sprite.fill, sprite.x, sprite.y);
  overPen.globalAlpha = 1;
  if (!state.outline) return;
  for (const sprite of shown.sprites) overPen.drawImage(sprite.edge, sprite.x - sprite.pad, sprite.y - sprite.pad);
}

function drawMarkers() {
  const said = journal.said, drafted = draft?.frame === shown.frame ? draft.object : 0;
  for (const object of new Set(drafted ? [...said.keys(), drafted] : said.keys())) {
    const prompt = object === drafted ? draft.prompt : said.get(object).get(shown.frame), strong = object === state.active;
    if (!prompt || !objects.isVisible(object)) continue;
    for (const box of prompt.boxes ?? []) drawBox(box, objects.color(object), strong);
    for (const point of prompt.points ?? []) drawPoint(point, strong);
  }
}

function drawBox([left, top, right, bottom], color, strong) {
  for (const [style, width, dash] of [['#000a', 3, []], [color, 1.5, strong ? [] : [5, 4]]]) {
    overPen.strokeStyle = style;
    overPen.lineWidth = width / view.scale;
    overPen.setLineDash(dash.map(length => length / view.scale));
    overPen.strokeRect(left, top, right - left, bottom - top);
  }
  overPen.setLineDash([]);
  if (strong) for (const x of [left, right]) for (const y of [top, bottom]) drawHandle(x, y, color);
}

function drawHandle(x, y, color) {
  const side = HANDLE / view.scale;
  Object.assign(overPen, { fillStyle: '#fff', strokeStyle: color, lineWidth: 1.75 / view.scale });
  overPen.fillRect(x - side / 2, y - side / 2, side, side);
  overPen.strokeRect(x - side / 2, y - side / 2, side, side);
}

function drawPoint([x, y, positive], strong) {
  const radius = (strong ? MARKER : MARKER - 2) / view.scale, arm = radius * 0.5;
  overPen.globalAlpha = strong ? 1 : 0.75;
  overPen.beginPath();
  overPen.arc(x, y, radius, 0, 7);
  overPen.fillStyle = positive ? POSITIVE : NEGATIVE;
  overPen.strokeStyle = '#fff';
  overPen.lineWidth = 2 / view.scale;
  overPen.fill();
  overPen.stroke();
  overPen.lineWidth = 1.75 / view.scale;
  overPen.beginPath();
  overPen.moveTo(x - arm, y);
  overPen.lineTo(x + arm, y);
  if (positive) {
    overPen.moveTo(x, y - arm);
    overPen.lineTo(x, y + arm);
  }
  overPen.stroke();
  overPen.globalAlpha = 1;
}

new ResizeObserver(fitView).observe(stage);
for (const moment of ['pointerenter', 'pointerleave', 'focus', 'blur']) on(overCanvas, moment, () => { if (isPainted()) drawOver(); });
on(find('fit'), 'click', () => zoomAt(0, 0, 0));
on(find('opacity').querySelector('input'), 'input', event => { state.opacity = event.target.value / 100; drawOver(); });
on(find('outline'), 'click', () => {
  state.outline = !state.outline;
  find('outline').setAttribute('aria-pressed', state.outline);
  drawOver();
});
when('theme', draw);
when('objects journal', () => { refreshMasks(); });
