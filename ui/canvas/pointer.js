// Mouse, pen and fingers on the stage: a click or tap is a point, a drag is a box, two fingers zoom.

const CLICK_SLOP = 5;          // CSS pixels that a click may wander

const pointers = new Map();    // what touches the stage: id -> {x, y}
let press = null;              // {x, y, from: [x, y] in the frame, negative, selects}
let pinch = null;              // {distance, x, y}

function isNegative(event) {
  return event.button === 2 || event.altKey ? state.adding : !state.adding;
}

function inside([x, y]) {
  return [clamp(x, 0, state.medium.width), clamp(y, 0, state.medium.height)];
}

const hits = ([x, y]) => x >= 0 && y >= 0 && x < state.medium.width && y < state.medium.height;

on(overCanvas, 'contextmenu', event => event.preventDefault());

on(overCanvas, 'pointerdown', event => {
  if (!state.medium || event.button === 1) return;
  overCanvas.focus({ preventScroll: true });
  overCanvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size > 1) {
    press = rubber = null;
    pinch = fingers();
    drawOver();
  } else press = { x: event.clientX, y: event.clientY, from: toFrame(event), negative: isNegative(event), selects: event.ctrlKey || event.metaKey };
});

on(overCanvas, 'pointermove', event => {
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pinch && pointers.size > 1) return movePinch();
  overCanvas.classList.toggle('mk-takes-away', !!state.medium && isNegative(event));
  if (!press) return;
  const far = Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_SLOP;
  if (!far && !rubber) return;
  const [x0, y0] = inside(press.from), [x1, y1] = inside(toFrame(event));
  rubber = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  drawOver();
});

on(overCanvas, 'pointerup', event => {
  const done = press, box = rubber;
  lift(event);
  if (!done || pinch) return;
  if (box) {
    drawOver();
    if (box[2] - box[0] >= 1 && box[3] - box[1] >= 1) prompts.box(box.map(value => Math.round(value * 10) / 10), event.timeStamp);
  } else if (hits(done.from) && done.selects) objects.selectAt(done.from);
  else if (hits(done.from)) {
    prompts.point(done.from.map(value => Math.round(value * 10) / 10), done.negative, event.timeStamp);
  }
});

on(overCanvas, 'pointercancel', event => { lift(event); drawOver(); });

function lift(event) {
  pointers.delete(event.pointerId);
  press = rubber = null;
  if (!pointers.size) setTimeout(() => { pinch = null; });   // the last finger of a pinch is no tap
}

function fingers() {
  const [a, b] = [...pointers.values()], corner = overCanvas.getBoundingClientRect();
  return { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2 - corner.left, y: (a.y + b.y) / 2 - corner.top };
}

function movePinch() {
  const now = fingers();
  pan(now.x - pinch.x, now.y - pinch.y);
  zoomAt(now.distance / Math.max(1, pinch.distance), now.x, now.y);
  pinch = now;
}

on(overCanvas, 'wheel', event => {
  if (!state.medium) return;
  const corner = overCanvas.getBoundingClientRect();
  if (event.ctrlKey || event.metaKey) {
    zoomAt(Math.exp(-event.deltaY * 0.004), event.clientX - corner.left, event.clientY - corner.top);
  } else if (view.zoom > 1) pan(-event.deltaX, -event.deltaY);
  else return;                 // the page scrolls
  event.preventDefault();
}, { passive: false });

function setAdding(adding) {
  state.adding = adding;
  find('tool-add').setAttribute('aria-checked', adding);
  find('tool-remove').setAttribute('aria-checked', !adding);
  overCanvas.classList.toggle('mk-takes-away', !adding);
}
on(find('tool-add'), 'click', () => setAdding(true));
on(find('tool-remove'), 'click', () => setAdding(false));
on(window, 'keydown', event => { if (event.key === 'Alt' && state.medium) overCanvas.classList.toggle('mk-takes-away', state.adding); });
on(window, 'keyup', event => { if (event.key === 'Alt') overCanvas.classList.toggle('mk-takes-away', !state.adding); });
