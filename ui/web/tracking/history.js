// Undo and redo, also of tracking: undo removes a run's masks, redo tracks the same frames again.

import { joinedSpans, span } from '../core/edit_log.js';
import { toast } from '../core/notices.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { prompts } from '../tools/prompts.js';
import { requestFrames } from '../viewport/mask_requests.js';
import { startTracking, stopTracking } from './tracking.js';

/** @param {Step | undefined} step */
export const isTracked = step => step?.run !== undefined;

/** @type {number | undefined} the run that is undone as soon as it has stopped */
let undoing;
/** @type {{ run: number; spans: TrackEntry['track'][]; waits: boolean } | null} what is still to be tracked again; `waits` for the answers to the prompts of the objects that the run made */
let redoing = null;

export function undo() {
  const { last } = state.log;
  if (last && isTracked(last) && last.run === state.tracking?.run) {
    undoing = last.run;
    return stopTracking();
  }
  if (isTracked(last)) update({ interrupted: null });
  const step = state.log.undo();
  if (step) emit('undone', step);
  if (isTracked(step) && step?.run === redoing?.run) redoing = null;
  prompts.syncStep(step, tr('Undoing'), () => {
    if (state.log.next === step) redo();
  });
}

export function redo() {
  if (isTracked(state.log.next)) return redoRun();
  const step = state.log.redo();
  prompts.syncStep(step, tr('Redoing'), () => {
    if (state.log.last === step) undo();
  });
}

function redoRun() {
  if (state.tracking) return;
  if (connection.status !== 'on') return toast(tr('There is no connection right now. Try again in a moment.'));
  const step = state.log.redo();
  if (!step) return;
  redoing = { run: Date.now(), spans: joinedSpans(step.entries), waits: true };
  state.log.restart(step, redoing.run);
  prompts.syncStep({ entries: [...step.entries] });
  trackOncePrompted();
}

function trackOncePrompted() {
  if (!redoing?.waits || connection.pending.length) return;
  redoing.waits = false;
  trackNextSpan();
}

function trackNextSpan() {
  const next = redoing?.spans.shift();
  if (!redoing || !next) {
    redoing = null;
    return;
  }
  const [first, last] = span(next);
  const direction = next[2] > 0 ? 'forward' : 'backward';
  startTracking({ run: redoing.run, direction, frame: next[0], first, last, pause: false });
}

export function setUpHistory() {
  on('tracking', () => {
    if (state.tracking) return;
    const isStopped = undoing !== undefined && state.log.last?.run === undoing;
    undoing = undefined;
    if (isStopped) undo();
  });

  on('in-flight', trackOncePrompted);
  on('server-done', ({ job, run, stopped }) => {
    if (job !== 'track' || !redoing || run !== redoing.run) return;
    if (stopped) redoing = null;
    else trackNextSpan();
  });
  on('medium', () => {
    undoing = undefined;
    redoing = null;
  });

  // The page has already removed the masks that were undone; the server may still have earlier ones.
  on('server-untracked', ({ question }) => {
    if (question?.t === 'untrack') requestFrames(...question.frames);
  });
}
