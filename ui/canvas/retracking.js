// Tracking is undone and redone like everything else: undo takes a run's masks back, redo tracks the same frames again.

const isTracked = step => step?.run !== undefined;
const isRunning = step => isTracked(step) && step.run === state.tracking?.run;

let undoing = null;              // the run that is taken back as soon as it has stopped
let redoing = null;              // {run, legs}: what is still to be tracked again

function undoRun() {
  undoing = state.tracking.run;
  stopTracking();
}

when('tracking', () => {
  if (state.tracking) return;
  const over = undoing !== null && journal.last?.run === undoing;
  undoing = null;
  if (over) prompts.undo();
});

// The ways of a run, [start, stop, step] each: what lies end to end is one of them.
function legsOf(entries) {
  const legs = [];
  for (const { track: [start, stop, step] } of entries) {
    const last = legs[legs.length - 1];
    if (last && last[1] === start && last[2] === step) last[1] = stop;
    else legs.push([start, stop, step]);
  }
  return legs;
}

function redoRun() {
  if (state.tracking) return;
  if (line.status !== 'on') return toast('There is no connection right now. Try again in a moment.');
  const step = journal.redo(), run = Date.now();
  redoing = { run, legs: legsOf(step.entries) };
  journal.restart(step, run);
  tell('journal');
  nextLeg();
}

function nextLeg() {
  const leg = redoing.legs.shift();
  if (!leg) { redoing = null; return; }
  const [first, last] = span(leg), direction = leg[2] > 0 ? 'forward' : 'backward';
  startTracking({ run: redoing.run, direction, frame: leg[0], first, last, pause: false });
}

when('server-done', message => {
  if (message.job !== 'track' || message.run !== redoing?.run) return;
  if (message.stopped) redoing = null;
  else nextLeg();
});
when('medium', () => { undoing = redoing = null; });

// What the server has taken back is gone from the page already; what was there before is asked for.
when('server-untracked', message => {
  const [first, last] = message.question?.frames ?? [0, -1];
  askForFrames(first, last);
});
