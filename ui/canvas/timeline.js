// The frames of a clip along a rail: where we are, what is prompted, what is tracked. One thin lane an object.

const LANE = 5, LANE_GAP = 2, LANES_SHOWN = 8, THUMB = 14;   // CSS pixels; THUMB is the width of the slider's thumb

const scrub = find('scrub'), lanesCanvas = find('lanes');

// Shows another frame of the clip; `quietly` leaves the user's wish to follow the tracking as it is.
function goTo(frame, quietly = false) {
  if (!state.medium) return Promise.resolve(false);
  state.frame = clamp(Math.round(frame), 0, state.medium.frames - 1);
  if (!quietly) tell('touched');
  tell('frame');
  return show(state.frame).then(current => {
    if (current && !state.playing) frames.prefetch(state.frame, 1, isAlbum() ? 2 : 3);
    if (current && isAlbum()) frames.prefetch(state.frame, -1, 1);
    return current;
  }).catch(() => { if (line.status === 'on') toast('This frame could not be loaded. Step on, or try again.'); });
}

const timeOf = frame => (state.medium.times ? state.medium.times[frame] : frame / (state.medium.fps || 1));

function clock(seconds) {
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds % 1) * 100)).padStart(2, '0')}`;
}

function updateClock() {
  if (!isClip()) return;
  scrub.value = state.frame;
  scrub.setAttribute('aria-valuetext', `frame ${state.frame + 1} of ${state.medium.frames}`);
  find('frame-number').textContent = state.frame + 1;
  find('frame-total').textContent = ` / ${state.medium.frames}`;
  find('time').textContent = clock(timeOf(state.frame));
  find('frame-number').style.minWidth = `${String(state.medium.frames).length}ch`;
}

// The canvas is redrawn at most once a screen refresh, however many masks arrive.
let lanesWaiting = false;
function updateLanes() {
  if (lanesWaiting || !isClip()) return;
  lanesWaiting = true;
  requestAnimationFrame(() => { lanesWaiting = false; if (isClip()) drawLanes(); });
}

function drawLanes() {
  const shownObjects = objects.listed.slice(0, LANES_SHOWN), ratio = window.devicePixelRatio || 1;
  const width = lanesCanvas.parentElement.clientWidth, height = Math.max(1, shownObjects.length) * (LANE + LANE_GAP) + 6;
  lanesCanvas.style.height = `${height}px`;
  lanesCanvas.width = Math.round(width * ratio);
  lanesCanvas.height = Math.round(height * ratio);
  const pen = lanesCanvas.getContext('2d'), count = state.medium.frames;
  pen.scale(ratio, ratio);
  const across = width - THUMB, left = frame => THUMB / 2 + (count > 1 ? frame / (count - 1) : 0) * across;
  const half = across / Math.max(1, count - 1) / 2, said = journal.said, quiet = getComputedStyle(scrub).getPropertyValue('--mk-line');
  shownObjects.forEach((object, row) => {
    const top = 3 + row * (LANE + LANE_GAP), strong = object === state.active;
    const bar = (from, to, color, alpha) => {
      const start = Math.max(THUMB / 2, left(from) - half), end = Math.min(width - THUMB / 2, left(to) + half);
      pen.globalAlpha = alpha;
      pen.fillStyle = color;
      pen.fillRect(start, top, Math.max(1, end - start), LANE);
    };
    bar(0, count - 1, quiet, 0.6);
    for (const [from, to] of runs(masks.lane(object))) bar(from, to, objects.color(object), strong ? 1 : 0.6);
    pen.globalAlpha = 1;
    for (const frame of said.get(object)?.keys() ?? []) drawDiamond(pen, left(frame), top + LANE / 2, objects.color(object));
  });
  pen.globalAlpha = 1;
  pen.fillStyle = getComputedStyle(root).color;
  pen.fillRect(left(state.frame) - 0.75, 0, 1.5, height);
}

function* runs(lane) {
  for (let start = 0; start < lane.length; start += 1) {
    if (lane[start] !== MASKED) continue;
    let end = start;
    while (lane[end + 1] === MASKED) end += 1;
    yield [start, end];
    start = end;
  }
}

function drawDiamond(pen, x, y, color) {
  pen.beginPath();
  pen.moveTo(x, y - 5);
  pen.lineTo(x + 5, y);
  pen.lineTo(x, y + 5);
  pen.lineTo(x - 5, y);
  pen.closePath();
  pen.fillStyle = color;
  pen.strokeStyle = '#fff';
  pen.lineWidth = 1.5;
  pen.fill();
  pen.stroke();
}

on(scrub, 'input', () => { pause(); goTo(Number(scrub.value)); });
on(find('first'), 'click', () => { pause(); goTo(0); });
on(find('last'), 'click', () => { pause(); goTo(state.medium.frames - 1); });
on(find('previous'), 'click', () => { pause(); goTo(state.frame - 1); });
on(find('next'), 'click', () => { pause(); goTo(state.frame + 1); });

when('medium', () => { scrub.max = Math.max(0, (state.medium?.frames ?? 1) - 1); });
when('medium frame', updateClock);
when('medium frame masks journal objects theme', updateLanes);
new ResizeObserver(updateLanes).observe(find('rail'));
