// In and out: the part of the clip that is played and tracked. Two handles on the rail; outside of them it is dimmed.

const HANDLE_STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
  PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

const range = {
  get played() { return state.range ?? { first: 0, last: Math.max(0, (state.medium?.frames ?? 1) - 1) }; },

  set(first, last) {
    const end = state.medium.frames - 1;
    state.range = first <= 0 && last >= end ? null : { first: clamp(first, 0, end), last: clamp(last, 0, end) };
    tell('range');
  },

  // A range that begins behind its end goes on to the end of the clip, and the other way round.
  begin(frame = state.frame) {
    if (!isClip()) return;
    const { last } = this.played;
    this.set(frame, last >= frame ? last : state.medium.frames - 1);
    this.say();
  },

  end(frame = state.frame) {
    if (!isClip()) return;
    const { first } = this.played;
    this.set(first <= frame ? first : 0, frame);
    this.say();
  },

  clear() {
    if (!isClip() || !state.range) return;
    this.set(0, state.medium.frames - 1);
    this.say();
  },

  say() {
    const { first, last } = this.played;
    announce(state.range ? `Range: frames ${first + 1} to ${last + 1}` : 'The whole clip');
  },
};

const handles = [
  { knob: find('in'), edge: 'first', move: frame => range.set(Math.min(frame, range.played.last), range.played.last) },
  { knob: find('out'), edge: 'last', move: frame => range.set(range.played.first, Math.max(frame, range.played.first)) },
];

function updateRange() {
  const { first, last } = range.played, half = pixelsAFrame() / 2;
  const left = clamp(xOf(first) - half, THUMB / 2, rail.width), right = clamp(xOf(last) + half, 0, rail.width - THUMB / 2);
  find('before-in').style.width = `${state.range ? left : 0}px`;
  find('after-out').style.width = `${state.range ? rail.width - right : 0}px`;
  for (const { knob, edge } of handles) {
    const frame = range.played[edge];
    knob.style.transform = `translateX(${edge === 'first' ? left : right}px)`;
    knob.style.visibility = isInSight(frame) ? '' : 'hidden';
    knob.setAttribute('aria-valuemin', 1);
    knob.setAttribute('aria-valuemax', state.medium.frames);
    knob.setAttribute('aria-valuenow', frame + 1);
    knob.setAttribute('aria-valuetext', `frame ${frame + 1} of ${state.medium.frames}`);
  }
  root.classList.toggle('mk-has-range', !!state.range);
  find('clear-range').disabled = !state.range;
}

// Dragged, a handle shows the frame at which it is; tapped, it is in nobody's way.
function makeDraggable({ knob, edge, move }) {
  let start = null;
  on(knob, 'pointerdown', event => {
    if (event.button || !isClip()) return;
    const place = tracks.getBoundingClientRect().left + xOf(range.played[edge]);
    start = { x: event.clientX, offset: event.clientX - place, moved: false };
    knob.setPointerCapture(event.pointerId);
    event.preventDefault();
    knob.focus({ preventScroll: true });
  });
  on(knob, 'pointermove', event => {
    if (!start) return;
    start.moved ||= Math.abs(event.clientX - start.x) > 3;
    if (!start.moved) return;
    pause();
    move(frameUnder({ clientX: event.clientX - start.offset }));
    if (range.played[edge] !== state.frame) goTo(range.played[edge]);
  });
  on(knob, 'pointerup', event => {
    if (start?.moved) range.say();
    else if (start) scrubTo(event);
    start = null;
  });
  on(knob, 'pointercancel', () => { start = null; });
}

function moveByKey(event, { edge, move }) {
  if (!(event.key in HANDLE_STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = HANDLE_STEPS[event.key] * (event.shiftKey ? 10 : 1), end = state.medium.frames - 1;
  event.preventDefault();        // or it would step through the clip
  pause();
  move(clamp(range.played[edge] + step, 0, end));
  goTo(range.played[edge]);
}

for (const handle of handles) {
  makeDraggable(handle);
  on(handle.knob, 'keydown', event => moveByKey(event, handle));
}
on(find('set-in'), 'click', () => range.begin());
on(find('set-out'), 'click', () => range.end());
on(find('clear-range'), 'click', () => range.clear());

when('medium', () => tell('range'));
when('medium range rail', onceARefresh(updateRange));
