// Points without a mouse: a cross-hair that the arrows move.

const CROSSHAIR_STEP = 4;        // CSS pixels; ten times as many with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let crosshair = null;            // [x, y] in the frame while it is shown
let lastCrosshair = null;        // where it was

function setCrosshair(shows) {
  const { width, height } = frameSize();
  lastCrosshair = crosshair ?? lastCrosshair;
  crosshair = shows ? inside(lastCrosshair ?? [width / 2, height / 2]) : null;
  if (shows) overCanvas.focus({ preventScroll: true });
  announce(shows ? 'Cross-hair: the arrows move it, Enter says that this belongs to the object, Shift+Enter that it does not, Escape ends.'
    : 'The cross-hair is gone.');
  drawOver();
}

function moveCrosshair([dx, dy], times) {
  const step = Math.max(1, CROSSHAIR_STEP / view.scale) * times, { width, height } = frameSize();
  crosshair = [clamp(crosshair[0] + dx * step, 0, width - 0.5), clamp(crosshair[1] + dy * step, 0, height - 0.5)];
  bringIntoView(crosshair);
  announce(`${Math.round(crosshair[0])} from the left, ${Math.round(crosshair[1])} from the top`);
  drawOver();
}

function bringIntoView([x, y]) {
  const [left, top] = [view.x + x * view.scale, view.y + y * view.scale], margin = 24;
  const dx = clamp(left, margin, stage.clientWidth - margin) - left, dy = clamp(top, margin, stage.clientHeight - margin) - top;
  if (dx || dy) pan(dx, dy);
}

function placePoint(negative) {
  const grip = gripAt(crosshair, REACH), { frame, active: object } = state;
  pointTool.click({ grip: grip?.kind === 'point' ? grip : null, from: crosshair, negative, frame, object }, performance.now());
  announce(grip?.kind === 'point' ? 'The point is removed' : negative ? 'This does not belong to it' : 'This belongs to it');
}

function drawCrosshair() {
  if (!crosshair) return;
  const [x, y] = crosshair, arm = 18 / view.scale, gap = 4 / view.scale;
  for (const [style, width] of [['#000c', 4], ['#fff', 1.75]]) {
    Object.assign(overPen, { strokeStyle: style, lineWidth: width / view.scale });
    overPen.beginPath();
    for (const [dx, dy] of Object.values(ARROWS)) {
      overPen.moveTo(x + dx * gap, y + dy * gap);
      overPen.lineTo(x + dx * arm, y + dy * arm);
    }
    overPen.stroke();
  }
}

on(overCanvas, 'keydown', event => {
  if (!crosshair || event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS[event.key]) moveCrosshair(ARROWS[event.key], event.shiftKey ? 10 : 1);
  else if (event.key === 'Enter') placePoint(event.shiftKey);
  else if (event.key === 'Escape') setCrosshair(false);
  else return;
  event.preventDefault();
});
on(overCanvas, 'pointerdown', () => { if (crosshair) setCrosshair(false); });
on(overCanvas, 'blur', () => { if (crosshair) setCrosshair(false); });
when('medium', () => { crosshair = lastCrosshair = null; });
when('frame', () => { crosshair = crosshair && inside(crosshair); });   // photos of an album differ in size
