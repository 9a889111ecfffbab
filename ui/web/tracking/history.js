// Tracking is undone and redone like everything else: undo takes a run's masks back, redo tracks the same frames again.

import { span } from '../core/edit_log.js';
import { toast } from '../core/notices.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { prompts } from '../tools/prompts.js';
import { requestFrames } from '../viewport/mask_requests.js';
import { startTracking, stopTracking } from './tracking.js';

export const isTracked = step => step?.run !== undefined;
const isRunning = step => isTracked(step) && step.run === state.tracking?.run;

let undoing = null; // the run that is taken back as soon as it has stopped
let redoing = null; // {run, legs}: what is still to be tracked again

function undoRun() {
  undoing = state.tracking.run;
  stopTracking();
}

// A run that is still going on is stopped first; it is taken back once it has ended.
export function undo() {
  if (isRunning(state.log.last)) return undoRun();
  if (isTracked(state.log.last)) update({ interrupted: null }); // nobody wants to go on with it
  const step = state.log.undo();
  prompts.syncStep(step, 'Undoing', () => {
    if (state.log.next === step) redo();
  });
}

export function redo() {
  if (isTracked(state.log.next)) return redoRun();
  const step = state.log.redo();
  prompts.syncStep(step, 'Redoing', () => {
    if (state.log.last === step) undo();
  });
}

// The ways of a run, [start, stop, step] each: what lies end to end is one of them.
function spansOf(entries) {
  const legs = [];
  for (const {
    track: [start, stop, step],
  } of entries) {
    const last = legs[legs.length - 1];
    if (last && last[1] === start && last[2] === step) last[1] = stop;
    else legs.push([start, stop, step]);
  }
  return legs;
}

function redoRun() {
  if (state.tracking) return;
  if (connection.status !== 'on') return toast('There is no connection right now. Try again in a moment.');
  const step = state.log.redo();
  const run = Date.now();
  redoing = { run, legs: spansOf(step.entries) };
  state.log.restart(step, run);
  emit('log');
  trackNextSpan();
}

function trackNextSpan() {
  const leg = redoing.legs.shift();
  if (!leg) {
    redoing = null;
    return;
  }
  const [first, last] = span(leg);
  const direction = leg[2] > 0 ? 'forward' : 'backward';
  startTracking({ run: redoing.run, direction, frame: leg[0], first, last, pause: false });
}

export function setUpHistory() {
  on('tracking', () => {
    if (state.tracking) return;
    const over = undoing !== null && state.log.last?.run === undoing;
    undoing = null;
    if (over) undo();
  });

  on('server-done', message => {
    if (message.job !== 'track' || message.run !== redoing?.run) return;
    if (message.stopped) redoing = null;
    else trackNextSpan();
  });
  on('medium', () => {
    undoing = redoing = null;
  });

  // What the server has taken back is gone from the page already; what was there before is asked for.
  on('server-untracked', message => {
    const [first, last] = message.question?.frames ?? [0, -1];
    requestFrames(first, last);
  });
}
