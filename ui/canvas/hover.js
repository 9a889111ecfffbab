// Hover preview: the mask that a click would give, drawn while the cursor moves. One question at a time is on its way and
// the cursor's newest place comes next; where answers are slow, the preview switches itself off.

const HOVER_PAUSE = 60;          // milliseconds between two questions at least
const HOVER_PATIENCE = 3000;     // after which an answer counts as lost
const HOVER_TRIALS = 5, HOVER_SLOW = 250;   // so many first answers are timed; their median tells whether it is too slow

const hoverButton = find('hover');
const hovering = { on: !fingersOnly, chosen: false, at: null, flying: null, timer: 0, seq: 0, since: 0, times: [] };

const mayHover = () => hovering.on && state.ready && state.medium && line.status === 'on' && !line.flying && !line.waiting.length
  && state.tool === 'point' && !press && !pinch && !space && !crosshair && !state.playing && !state.tracking
  && shown.frame === state.frame;

function stopHovering() {
  clearTimeout(hovering.timer);
  Object.assign(hovering, { at: null, flying: null, timer: 0 });
  if (!ghost) return;
  ghost = null;
  drawOver();
}

function hoverSoon() {
  const now = performance.now(), { flying } = hovering;
  if (hovering.timer || (flying && now - flying.since < HOVER_PATIENCE)) return;
  hovering.timer = setTimeout(askHover, Math.max(HOVER_PAUSE / 2, hovering.since + HOVER_PAUSE - now));
}

function askHover() {
  const { at } = hovering, { frame, active: object } = state;
  hovering.timer = 0;
  if (!at || !mayHover() || prompts.refusal(frame, object, at.negative)) return stopHovering();
  const prompt = prompts.withPoints(journal.prompt(frame, object), [at.place], at.negative);
  const seq = hovering.seq += 1;
  if (!line.say({ t: 'hover', seq, frame, object, prompt })) return;
  hovering.since = performance.now();
  hovering.flying = { seq, at, since: hovering.since };
}

when('server-preview', async message => {
  const { flying } = hovering;
  if (message.seq !== flying?.seq || message.version !== state.version) return;
  timeHover(performance.now() - flying.since);
  const [found] = message.objects, drawn = found ? await drawHover(found) : null;
  if (hovering.flying !== flying) return;        // the cursor has left, or something was said
  hovering.flying = null;
  ghost = drawn;
  drawOver();
  if (hovering.at !== flying.at) hoverSoon();
});

function timeHover(milliseconds) {
  if (hovering.chosen || hovering.times.length >= HOVER_TRIALS) return;
  hovering.times.push(milliseconds);
  if (hovering.times.length < HOVER_TRIALS) return;
  if ([...hovering.times].sort((a, b) => a - b)[HOVER_TRIALS >> 1] <= HOVER_SLOW) return;
  setHover(false);
  toast('The preview under the cursor is off, because it is slow here. H turns it on.', 'hint');
}

// Filled faintly, with an outline that is dashed in black and white and so can be seen on anything.
async function drawHover(found) {
  const sprite = await drawSprite(found, objects.color(found.id), outlineWidth());
  if (!sprite) return null;
  const dash = Math.max(1, Math.round(5 / view.scale)), [tile, ink] = canvasOf(2 * dash, 2 * dash);
  ink.fillStyle = '#18181b';
  ink.fillRect(0, 0, 2 * dash, 2 * dash);
  ink.fillStyle = '#fff';
  ink.fillRect(0, 0, dash, dash);
  ink.fillRect(dash, dash, dash, dash);
  const pen = sprite.edge.getContext('2d');
  pen.globalCompositeOperation = 'source-atop';
  pen.fillStyle = pen.createPattern(tile, 'repeat');
  pen.fillRect(0, 0, sprite.edge.width, sprite.edge.height);
  return sprite;
}

function drawGhost({ fill, edge, x, y, pad }) {
  overPen.globalAlpha = 0.3;
  overPen.drawImage(fill, x, y);
  overPen.globalAlpha = 0.9;
  overPen.drawImage(edge, x - pad, y - pad);
  overPen.globalAlpha = 1;
}

function setHover(yes) {
  hovering.on = yes;
  hoverButton.setAttribute('aria-pressed', yes);
  if (!yes) stopHovering();
}

function toggleHover() {
  setHover(!hovering.on);
  hovering.chosen = true;
  announce(`Preview under the cursor is ${hovering.on ? 'on' : 'off'}`);
  try { localStorage.setItem('masklet-hover', hovering.on ? 'on' : 'off'); } catch { /* storage may be forbidden */ }
}

try {
  const chosen = localStorage.getItem('masklet-hover');
  hovering.chosen = !!chosen;
  if (chosen) setHover(chosen === 'on' && !fingersOnly);
} catch { /* storage may be forbidden */ }

hoverButton.hidden = fingersOnly;
if (!fingersOnly) Object.assign(keys, { h: toggleHover });
on(hoverButton, 'click', toggleHover);
on(overCanvas, 'pointermove', event => {
  if (event.pointerType === 'touch' || !state.medium) return;
  const place = toFrame(event), isFree = hits(place) && !overCanvas.dataset.grip;   // else a click takes something away
  if (!isFree || !mayHover()) return stopHovering();
  hovering.at = { place, negative: isNegative(event) };
  hoverSoon();
});
on(overCanvas, 'pointerdown', stopHovering);
on(overCanvas, 'pointerleave', stopHovering);
when('frame journal objects tracking medium view line tool', stopHovering);
