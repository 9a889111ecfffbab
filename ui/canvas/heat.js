// The heat strip: how suspicious the masks are, frame by frame, and the way from one suspicious frame to the next. It shows
// the active object, or where that has no masks the worst of all. Higher and warmer is worse.

const HEAT_HEIGHT = 12, HEAT_STEPS = 16;

const heatCanvas = find('heat');

// What the user said is not doubted, nor is what is unknown.
function suspicionAt(object, frame, said = journal.said) {
  const here = masks.facts(object, frame);
  if (!here || said.get(object)?.has(frame)) return { score: 0, reason: '' };
  const pixels = state.medium.height * state.medium.width;
  const earlier = [1, 2, 3].map(back => masks.facts(object, frame - back));
  return suspicionOf(here, earlier, masks.facts(object, frame + 1), pixels);
}

// A score per frame.
function suspicionsOf(object) {
  const said = journal.said;
  return Float32Array.from({ length: state.medium.frames }, (_, frame) => suspicionAt(object, frame, said).score);
}

const hasMasks = object => masks.lanes.get(object)?.some(Boolean) ?? false;

// The objects whose worst the strip shows.
const doubted = () => (hasMasks(state.active) ? [state.active] : objects.listed.filter(hasMasks));

// {score, object} a frame, of the object that looks worst there; undefined where nothing is known.
let heat = [];
function measureHeat() {
  heat = new Array(state.medium.frames);
  for (const object of doubted()) {
    const lane = masks.lane(object);
    suspicionsOf(object).forEach((score, frame) => {
      if (lane[frame] && !(heat[frame]?.score >= score)) heat[frame] = { score, object };
    });
  }
}

function drawHeat() {
  measureHeat();
  const pen = penOf(heatCanvas, HEAT_HEIGHT), style = getComputedStyle(root);
  const colors = ['calm', 'warm', 'hot'].map(name => style.getPropertyValue(`--mk-heat-${name}`).trim());
  const [start, across] = stretch(rail.first, rail.last);
  pen.fillStyle = style.getPropertyValue('--mk-line');
  pen.fillRect(start, HEAT_HEIGHT - 1, across, 1);
  const together = Math.max(1, Math.floor(1 / pixelsAFrame()));    // frames that share a pixel: the worst of them counts
  for (let first = rail.first; first <= rail.last; first += together) {
    const last = Math.min(rail.last, first + together - 1);
    const known = heat.slice(first, last + 1).filter(Boolean).map(each => each.score);
    if (known.length) drawHeatBar(pen, stretch(first, last), Math.max(...known), colors);
  }
}

function drawHeatBar(pen, [left, width], score, colors) {
  const step = Math.round(score * HEAT_STEPS) / HEAT_STEPS, height = 2 + step * (HEAT_HEIGHT - 2);
  pen.fillStyle = blend(colors, step);
  pen.fillRect(left, HEAT_HEIGHT - height, Math.max(1, width), height);
}

// A color between three, `share` of the way.
function blend(colors, share) {
  const place = share * (colors.length - 1), lower = Math.min(colors.length - 2, Math.floor(place));
  const [a, b] = [colors[lower], colors[lower + 1]].map(color => [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16)));
  return `rgb(${a.map((part, at) => Math.round(part + (b[at] - part) * (place - lower))).join()})`;
}

// --- from one suspicious frame to the next ---

// The active object's first; where that looks right everywhere, those of the others.
function nextSuspicious(step) {
  if (!isClip()) return;
  const others = objects.listed.filter(object => object !== state.active);
  for (const group of [[state.active], others]) {
    const found = group.map(object => ({ object, worst: worstFrames(suspicionsOf(object)) }));
    const marked = [...new Set(found.flatMap(each => each.worst))].sort((a, b) => a - b);
    if (!marked.length) continue;
    const frame = nextOf(marked, state.frame, step);
    return showSuspicious(found.find(each => each.worst.includes(frame)).object, frame);
  }
  const known = objects.listed.some(hasMasks);
  toast(known ? 'No frame looks suspicious.' : 'Nothing to review yet. Click on a thing and track it first.', 'hint');
}

function showSuspicious(object, frame) {
  pause();
  if (object !== state.active) objects.select(object);
  goTo(frame);
  const words = `Frame ${frame + 1}: ${suspicionAt(object, frame).reason} (${objects.trait(object).name})`;
  tip(words);
  announce(words);
  told = { frame, words };
}

// Why a frame was shown is of interest while it is shown.
let told = null;
when('frame', () => {
  if (told && told.frame !== state.frame && find('tip').textContent === told.words) tip('');
});

on(find('suspicious'), 'click', event => nextSuspicious(event.shiftKey ? -1 : 1));
when('medium masks journal objects theme rail', onceARefresh(drawHeat));
