// The stage: a frame with its masks in one of several ways. The canvas has the screen's resolution; `view` maps pixels of
// the source to it.

const MOST_ZOOM = 16, OUTLINE = 1.6;       // CSS pixels
const EFFECTS = ['overlay', 'outline', 'spotlight', 'cutout', 'off'];

const stage = find('stage'), picture = find('picture');
const pen = picture.getContext('2d'), [layer, brush] = canvasOf(1, 1);
const view = { zoom: 1, x: 0, y: 0, scale: 1, ratio: 1 };   // x, y: where the frame's corner lies, in CSS pixels
let shown = null;                // the decoded frame on the stage

function fitStage() {
  const { clientWidth: width, clientHeight: height } = stage;
  if (!width) return;
  view.ratio = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of [picture, layer]) {
    canvas.width = Math.round(width * view.ratio);
    canvas.height = Math.round(height * view.ratio);
  }
  placeView();
}

// Keeps the frame in sight: centred where it is smaller than the stage, else without a gap.
function placeView() {
  const { clientWidth: width, clientHeight: height } = stage, size = sizeOf(shown?.frame ?? frameHere());
  view.scale = view.zoom * Math.min(width / size.width, height / size.height);
  const [wide, high] = [size.width * view.scale, size.height * view.scale];
  view.x = wide <= width ? (width - wide) / 2 : clamp(view.x, width - wide, 0);
  view.y = high <= height ? (height - high) / 2 : clamp(view.y, height - high, 0);
  find('zoom-fit').disabled = find('zoom-out').disabled = view.zoom === 1;
  find('zoom-in').disabled = view.zoom === MOST_ZOOM;
  draw();
  tell('view');
}

function zoomAt(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const zoom = clamp(view.zoom * factor, 1, MOST_ZOOM), change = zoom / view.zoom;
  Object.assign(view, { zoom, x: x - (x - view.x) * change, y: y - (y - view.y) * change });
  placeView();
}

function pan(dx, dy) {
  view.x += dx;
  view.y += dy;
  placeView();
}

function toFrame(event) {
  const corner = picture.getBoundingClientRect();
  return [(event.clientX - corner.left - view.x) / view.scale, (event.clientY - corner.top - view.y) / view.scale];
}

// Shows a frame; what becomes ready after something newer is not shown.
let newest = 0;
async function show(place) {
  const turn = ++newest, ready = await frames.get(place);
  if (turn !== newest) return false;
  const before = shown && sizeOf(shown.frame), now = sizeOf(ready.frame);
  shown = ready;
  picture.dataset.frame = ready.frame;
  find('loading').hidden = true;
  if (before?.width !== now.width || before?.height !== now.height) Object.assign(view, { zoom: 1, x: 0, y: 0 });
  stage.style.setProperty('--ratio', now.width / now.height);
  placeView();
  return true;
}

// --- drawing ---

const inSight = () => shown.sprites.filter(({ object }) => !state.hidden.has(object));

function toView(pen) {
  const scale = view.scale * view.ratio;
  pen.setTransform(scale, 0, 0, scale, view.x * view.ratio, view.y * view.ratio);
}

function draw() {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, picture.width, picture.height);
  if (!shown) return;
  toView(pen);
  pen.imageSmoothingEnabled = view.scale * view.ratio * sizeOf(shown.frame).width / shown.bitmap.width < 3;
  pen.imageSmoothingQuality = state.playing ? 'low' : 'high';
  const { width, height } = sizeOf(shown.frame);
  pen.drawImage(shown.bitmap, 0, 0, width, height);
  const strength = state.strength[state.effect] / 100;
  if (state.effect === 'overlay') drawFills(pen, strength);
  if (state.effect === 'spotlight') drawAround('#000', strength);
  if (state.effect === 'cutout') drawAround(checkerboard(), strength);
  if (state.effect === 'overlay' || state.effect === 'outline') drawOutlines(state.effect === 'overlay' ? 1 : strength);
}

function drawFills(pen, strength = 1) {
  pen.globalAlpha = strength;
  for (const { fill, x, y, width, height } of inSight()) pen.drawImage(fill, x, y, width, height);
  pen.globalAlpha = 1;
}

function cleanLayer() {
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.globalCompositeOperation = 'source-over';
  brush.clearRect(0, 0, layer.width, layer.height);
  toView(brush);
}

function putLayer(strength) {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.globalAlpha = strength;
  pen.drawImage(layer, 0, 0);
  pen.globalAlpha = 1;
  toView(pen);
}

// Everything of the frame but the objects.
function drawAround(style, strength) {
  const { width, height } = sizeOf(shown.frame);
  cleanLayer();
  brush.fillStyle = style;
  brush.fillRect(0, 0, width, height);
  brush.globalCompositeOperation = 'destination-out';
  drawFills(brush);
  putLayer(strength);
}

function checkerboard() {
  const [tile, ink] = canvasOf(16, 16), pattern = (ink.fillStyle = '#fff', ink.fillRect(0, 0, 16, 16), ink);
  pattern.fillStyle = '#d4d4da';
  for (const at of [0, 8]) pattern.fillRect(at, at, 8, 8);
  const made = brush.createPattern(tile, 'repeat');
  made.setTransform(new DOMMatrix().scale(1 / view.scale));   // as large on the screen, however far in
  return made;
}

// The mask moved around in a circle, minus the mask itself: as thick on the screen, however far in.
function drawOutlines(strength) {
  const away = OUTLINE / view.scale;
  for (const { fill, x, y, width, height } of inSight()) {
    cleanLayer();
    for (let turn = 0; turn < 8; turn += 1) {
      const angle = turn * Math.PI / 4;
      brush.drawImage(fill, x + away * Math.cos(angle), y + away * Math.sin(angle), width, height);
    }
    brush.globalCompositeOperation = 'destination-out';
    brush.drawImage(fill, x, y, width, height);
    putLayer(strength);
  }
}

// The topmost visible object there, if any. One canvas of one pixel is read, so that the others stay with the graphics card.
const probe = make('canvas').getContext('2d', { willReadFrequently: true });

function objectAt([x, y]) {
  const hit = ({ fill, scale, x: left, y: top }) => {
    probe.clearRect(0, 0, 1, 1);
    probe.drawImage(fill, Math.floor((x - left) / scale), Math.floor((y - top) / scale), 1, 1, 0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data[3] > 0;
  };
  return inSight().reverse().find(hit)?.object;
}

// --- what is shown how ---

function setEffect(effect) {
  state.effect = effect;
  for (const button of document.querySelectorAll('[data-effect]')) {
    const chosen = button.dataset.effect === effect;
    button.setAttribute('aria-checked', chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  find('strength-value').value = state.strength[effect];
  find('strength').classList.toggle('unused', effect === 'off');
  draw();
}

const nextEffect = (step = 1) => setEffect(EFFECTS.at((EFFECTS.indexOf(state.effect) + step) % EFFECTS.length));

on(find('effects'), 'click', event => {
  const button = event.target.closest('button');
  if (button) setEffect(button.dataset.effect);
});
on(find('effects'), 'keydown', event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  nextEffect(step);
  document.querySelector('[data-effect][aria-checked=true]').focus();
});
on(find('strength-value'), 'input', event => { state.strength[state.effect] = Number(event.target.value); draw(); });
on(find('zoom-in'), 'click', () => zoomAt(1.5));
on(find('zoom-out'), 'click', () => zoomAt(1 / 1.5));
on(find('zoom-fit'), 'click', () => zoomAt(0));
when('look', draw);
new ResizeObserver(fitStage).observe(stage);
setEffect('overlay');
