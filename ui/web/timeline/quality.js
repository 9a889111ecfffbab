// How suspicious a mask is, 0 to 1, and why: by the checks of the server, which are the warnings of a mask. Pure functions.

import { commas, plural, sentences, tr } from '../shared/language.js';
import { REASONS, SUSPICIOUS } from '../shared/ratings.js';

/** @typedef {{ score: number; reason: string }} Suspicion */

/**
 * The worst of the warnings of a mask; undefined where it was not checked.
 * @param {Pick<MaskFacts, 'warnings'>} facts
 * @returns {Suspicion | undefined}
 */
export function suspicionOf({ warnings }) {
  if (!warnings) return undefined;
  const [first, ...others] = warnings;
  if (!first) return { score: 0, reason: '' };
  const { kind, score } = others.reduce((one, other) => (other.score > one.score ? other : one), first);
  return { score, reason: REASONS[kind] };
}

/**
 * Of each run of suspicious frames the worst one, the first of equals.
 * @param {ArrayLike<number>} scores of all frames
 */
export function worstFrames(scores) {
  /** @type {number[]} */
  const worst = [];
  for (let frame = 0, inside = false; frame < scores.length; frame += 1) {
    const suspicious = scores[frame] >= SUSPICIOUS;
    if (suspicious && !inside) worst.push(frame);
    else if (suspicious && scores[frame] > scores[worst[worst.length - 1]]) worst[worst.length - 1] = frame;
    inside = suspicious;
  }
  return worst;
}

/**
 * The frame of `marked`, in ascending order, that comes next in a direction, around the end if need be.
 * @param {number[]} marked
 * @param {number} frame
 * @param {number} step
 */
export function nextAfter(marked, frame, step) {
  const ahead = marked.filter(other => (other - frame) * step > 0);
  return step > 0 ? (ahead[0] ?? marked[0]) : (ahead.at(-1) ?? marked[marked.length - 1]);
}

/**
 * The sentence where no check found anything, by the numbers of frames.
 * @param {{ checked: number; unchecked: number; untracked: number }} counts
 */
export function describeChecks({ checked, unchecked, untracked }) {
  const found = checked
    ? plural(
        checked,
        'The checks found nothing on {n} frame. They can miss a mistake: play it once.',
        'The checks found nothing on {n} frames. They can miss a mistake: play it once.',
      )
    : tr('Nothing was checked.');
  const gaps = commas([
    unchecked
      ? plural(unchecked, 'out of date or not checked: {n} frame', 'out of date or not checked: {n} frames')
      : '',
    untracked ? plural(untracked, 'not tracked: {n} frame', 'not tracked: {n} frames') : '',
  ]);
  return sentences(found, gaps && tr('Not looked at: {gaps}.', { gaps }));
}
