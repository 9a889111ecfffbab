// The rail: which frames of the clip are in sight, where each of them lies, and what pointers do on it. Thumbnails, heat,
// lanes and range draw themselves with its measures; the slider below always stands for the whole clip.

const THUMB = 14;                // CSS pixels: the slider's thumb; its centre cannot come nearer to the ends than half of it
const CLOSEST = 12;              // frames in sight at the closest
const COMFORT = 9;               // CSS pixels a frame: where all have that, there is nothing to enlarge
const TOUCH_SLOP = 6;            // CSS pixels before a finger drags; less is a tap, or the page scrolling

const tracks = find('tracks'), noteCard = find('note');
const rail = { first: 0, last: 0, wanted: 1, width: 0 };   // `wanted`: frames in sight as a fraction, for smooth wheels

const railSpan = () => Math.max(1, rail.last - rail.first);
const xOf = frame => THUMB / 2 + (frame - rail.first) / railSpan() * (rail.width - THUMB);
const pixelsAFrame = () => (rail.width - THUMB) / railSpan();
const isInSight = frame => frame >= rail.first && frame <= rail.last;

// A canvas as wide as the rail with a pen in CSS pixels.
function penOf(canvas, height) {
  const ratio = window.devicePixelRatio || 1, wide = Math.round(rail.width * ratio), high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext('2d');
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, wide, high);
  pen.scale(ratio, ratio);
  return pen;
}

// From the left end of one frame to the right end of another, no wider than the rail.
function stretch(from, to) {
  const half = pixelsAFrame() / 2;
  const left = clamp(xOf(from) - half, THUMB / 2, rail.width - THUMB / 2);
  return [left, clamp(xOf(to) + half, THUMB / 2, rail.width - THUMB / 2) - left];
}

// Work that is done at most once a screen refresh, however often it is wished for.
function onceARefresh(work) {
  let waiting = false;
  return () => {
    if (waiting || !isClip()) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; if (isClip() && rail.width) work(); });
  };
}

// --- which frames are in sight ---

function setSight(first, count) {
  const total = state.medium.frames;
  rail.first = clamp(Math.round(first), 0, total - count);
  rail.last = rail.first + count - 1;
  tell('rail');
}

// `around` keeps its place while more or fewer frames come into sight.
function zoomRail(factor, around = state.frame) {
  const total = state.medium.frames, before = rail.last - rail.first;
  rail.wanted = clamp(rail.wanted * factor, Math.min(CLOSEST, total), total);
  const count = Math.round(rail.wanted), share = isInSight(around) && before ? (around - rail.first) / before : 0.5;
  setSight(around - share * (count - 1), count);
}

function showWholeClip() {
  if (!isClip()) return;
  rail.wanted = state.medium.frames;
  setSight(0, state.medium.frames);
}

// Whoever steps out of sight is followed.
function keepFrameInSight() {
  if (isClip() && !isInSight(state.frame)) setSight(state.frame - railSpan() / 2, rail.last - rail.first + 1);
}

function updateRail() {
  const total = state.medium.frames, zoomed = rail.last - rail.first + 1 < total, end = Math.max(1, total - 1);
  find('playhead').style.transform = `translateX(${xOf(state.frame)}px)`;
  find('playhead').style.visibility = isInSight(state.frame) ? '' : 'hidden';
  find('rail-out').disabled = !zoomed;
  find('rail-in').disabled = pixelsAFrame() >= COMFORT * 4 || rail.wanted <= CLOSEST;
  root.classList.toggle('mk-roomy', (rail.width - THUMB) / end >= COMFORT);
  scrub.style.setProperty('--from', zoomed ? rail.first / end : 0);
  scrub.style.setProperty('--to', zoomed ? rail.last / end : 0);
}

// --- pointers ---

let hold = null;                 // {id, x, finger, moved}: a pointer that is down

const frameUnder = event => {
  const x = event.clientX - tracks.getBoundingClientRect().left;
  return clamp(Math.round(rail.first + (x - THUMB / 2) / pixelsAFrame()), rail.first, rail.last);
};

function scrubTo(event) {
  const frame = frameUnder(event);
  pause();
  if (frame !== state.frame) goTo(frame);
}

// A diamond is easier to hit than its frame, and belongs to an object.
function jumpTo(event) {
  const marker = markerUnder(event);
  if (!marker) return scrubTo(event);
  pause();
  if (marker.object !== state.active) objects.select(marker.object);
  goTo(marker.frame);
}

on(tracks, 'pointerdown', event => {
  if (event.button || !isClip() || event.target.closest('.mk-handle')) return;
  hold = { id: event.pointerId, x: event.clientX, finger: event.pointerType === 'touch', moved: false };
  tracks.setPointerCapture(event.pointerId);
  if (!hold.finger) jumpTo(event);
});

on(tracks, 'pointermove', event => {
  if (!isClip() || event.target.closest('.mk-handle')) return hideNote();
  if (hold?.id === event.pointerId) {
    hold.moved ||= Math.abs(event.clientX - hold.x) > (hold.finger ? TOUCH_SLOP : 1);
    if (hold.moved) scrubTo(event);
  }
  if (event.pointerType !== 'touch' || hold?.moved) showNote(event);
});

on(tracks, 'pointerup', event => {
  if (hold?.id !== event.pointerId) return;
  if (hold.finger && !hold.moved) jumpTo(event);
  if (hold.finger) hideNote();
  hold = null;
});

on(tracks, 'pointercancel', () => { hold = null; hideNote(); });
on(tracks, 'pointerleave', () => { if (!hold) hideNote(); });

on(tracks, 'wheel', event => {
  if (!isClip()) return;
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  const step = Math.sign(sideways) * Math.ceil(railSpan() / 12);
  if (event.ctrlKey || event.metaKey) zoomRail(Math.exp(event.deltaY * 0.004), frameUnder(event));
  else if (Math.abs(sideways) > 1) setSight(rail.first + step, rail.last - rail.first + 1);
  else return;                   // the lanes or the page scroll
  event.preventDefault();
}, { passive: false });

on(find('rail-in'), 'click', () => zoomRail(0.5));
on(find('rail-out'), 'click', () => zoomRail(2));

// --- what lies under the pointer, in words ---

function showNote(event) {
  const frame = frameUnder(event), object = objectUnder(event);
  noteCard.textContent = [`Frame ${frame + 1}`, clock(timeOf(frame)), ...aboutMask(object, frame)].join(' · ');
  noteCard.hidden = false;
  const half = noteCard.offsetWidth / 2;
  noteCard.style.left = `${clamp(xOf(frame), half, Math.max(half, rail.width - half))}px`;
}

function hideNote() { noteCard.hidden = true; }

when('medium', () => { hold = null; hideNote(); showWholeClip(); });
when('frame', keepFrameInSight);
when('medium frame rail', onceARefresh(updateRail));
new ResizeObserver(() => {
  rail.width = tracks.clientWidth;
  if (isClip()) tell('rail');
}).observe(tracks);
