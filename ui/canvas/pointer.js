// Mouse, pen and fingers on the stage. What a press means is up to the tool that is chosen (tools.js), an object with
// down(press), move(press, event), up(press, event), cancel(), and where it makes a difference hold(press): a long press.
// Here it is said who is asked; and two fingers, the wheel, the middle button and the space bar move the view.

const CLICK_SLOP = 5;          // CSS pixels that a click may wander
const LONG_PRESS = 500;        // milliseconds

const pointers = new Map();    // what touches the stage: id -> {x, y}
let press = null;              // {x, y, from: [x, y] in the frame, frame, object, negative, more, finger, far, tool}
let pinch = null;              // {distance, x, y}
let space = null;              // {used} while the space bar is held

function isNegative(event) {
  return event.button === 2 || event.buttons === 2 || event.altKey ? state.adding : !state.adding;
}

function inside([x, y]) {
  const { width, height } = frameSize();
  return [clamp(x, 0, width), clamp(y, 0, height)];
}

function hits([x, y]) {
  const { width, height } = frameSize();
  return x >= 0 && y >= 0 && x < width && y < height;
}

const fine = place => place.map(value => Math.round(value * 10) / 10);   // tenths of a pixel are enough

// While the next photo of an album is on its way, the one on the stage is not the one that a click would be about.
const isMeant = () => !isAlbum() || shown.frame === state.frame;

const hand = {
  down() { if (space) space.used = true; overCanvas.classList.add('mk-grabbing'); },
  move(press, event) {
    pan(event.clientX - press.last.x, event.clientY - press.last.y);
    press.last = { x: event.clientX, y: event.clientY };
  },
  up() { this.cancel(); },
  cancel() { overCanvas.classList.remove('mk-grabbing'); },
};

on(overCanvas, 'contextmenu', event => event.preventDefault());
on(overCanvas, 'mousedown', event => { if (event.button === 1) event.preventDefault(); });   // or the browser scrolls by itself

on(overCanvas, 'pointerdown', event => {
  if (!state.medium || !isMeant()) return;
  overCanvas.focus({ preventScroll: true });
  overCanvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size > 1) {
    letGo();
    pinch = fingers();
    return drawOver();
  }
  const { clientX: x, clientY: y } = event;
  press = { x, y, last: { x, y }, from: toFrame(event), frame: state.frame, object: state.active, far: false,
    negative: isNegative(event), more: event.shiftKey, finger: event.pointerType === 'touch', tool: toolFor(event) };
  if (press.finger && press.tool.hold) awaitLongPress();
  press.tool.down(press);
});

const toolFor = event => (event.button === 1 || space ? hand
  : event.ctrlKey || event.metaKey ? selectTool : tools[state.tool]);

on(overCanvas, 'pointermove', event => {
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pinch && pointers.size > 1) return movePinch();
  if (!state.medium) return;
  hover(event);
  if (!press) return;
  press.far ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_SLOP;
  if (press.far) ring.hidden = true;
  press.tool.move(press, event);
});

on(overCanvas, 'pointerup', event => {
  const done = press;
  lift(event);
  if (done && !pinch) done.tool.up(done, event);
});

on(overCanvas, 'pointercancel', event => { letGo(); lift(event); drawOver(); });

function letGo() {
  press?.tool.cancel();
  press = null;
  ring.hidden = true;
}

function lift(event) {
  pointers.delete(event.pointerId);
  press = null;
  ring.hidden = true;
  if (!pointers.size) setTimeout(() => { pinch = null; });   // the last finger of a pinch is no tap
}

// A ring grows around a finger that stays; when it is full, the press means the opposite of a tap.
const ring = find('ring');
let longPress = 0;
function awaitLongPress() {
  const held = press, corner = overCanvas.getBoundingClientRect();
  ring.style.translate = `${held.x - corner.left}px ${held.y - corner.top}px`;
  ring.hidden = false;
  clearTimeout(longPress);
  longPress = setTimeout(() => {
    if (press !== held || held.far) return;
    letGo();
    navigator.vibrate?.(15);
    held.tool.hold({ ...held, negative: !held.negative });
  }, LONG_PRESS);
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

// The wheel zooms where the pointer is; with Shift it moves the view. Fingers that pinch on a touchpad come as Ctrl+wheel.
on(overCanvas, 'wheel', event => {
  if (!state.medium) return;
  const corner = overCanvas.getBoundingClientRect(), pixels = event.deltaMode === 1 ? 16 : 1;
  if (event.shiftKey) {
    if (view.zoom === 1) return;
    pan(-(event.deltaX || event.deltaY) * pixels, event.deltaX ? -event.deltaY * pixels : 0);
  } else {
    if (view.zoom === 1 && event.deltaY > 0 && !event.ctrlKey) return;   // the page scrolls
    const speed = event.ctrlKey || event.metaKey ? 0.004 : 0.002;
    zoomAt(Math.exp(-event.deltaY * pixels * speed), event.clientX - corner.left, event.clientY - corner.top);
  }
  event.preventDefault();
}, { passive: false });

// The space bar plays and pauses, unless the picture was dragged with it.
function holdSpace(event) {
  if (event.repeat) return;
  space = { used: false };
  overCanvas.classList.add('mk-may-pan');
}

function releaseSpace() {
  const played = space && !space.used;
  space = null;
  overCanvas.classList.remove('mk-may-pan');
  if (played && state.medium) (state.playing ? pause() : play());
}

on(window, 'keyup', event => { if (event.key === ' ' && space) releaseSpace(); });
on(window, 'blur', () => { if (space) { space.used = true; releaseSpace(); } });

function setAdding(adding) {
  state.adding = adding;
  find('tool-add').setAttribute('aria-checked', adding);
  find('tool-remove').setAttribute('aria-checked', !adding);
  showSign(!adding);
}

const showSign = negative => {
  overCanvas.classList.toggle('mk-takes-away', negative);
  find('brush').classList.toggle('mk-takes-away', negative);
};

function hover(event) {
  showSign(press ? press.negative : isNegative(event));
  overCanvas.dataset.grip = press ? press.grip?.kind ?? '' : tools[state.tool].grip?.(toFrame(event), event)?.kind ?? '';
  placeBrush(event);
}

on(find('tool-add'), 'click', () => setAdding(true));
on(find('tool-remove'), 'click', () => setAdding(false));
on(window, 'keydown', event => { if (event.key === 'Alt' && state.medium) showSign(state.adding); });
on(window, 'keyup', event => { if (event.key === 'Alt') showSign(!state.adding); });
