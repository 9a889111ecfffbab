// What a detector found as plain data: what passes the thresholds, names of the objects, and the result in words.

/** @import { FoundData } from '../protocol.js' */

import { list, number, plural, sentences, tr } from '../shared/language.js';

/**
 * From which scores on a box counts, and a word in it; `text` is null for detectors that score no words.
 * @typedef {{ box: number, text: number | null }} Thresholds
 * @typedef {FoundData & { place: number }} PassedObject with its place in the list of all that was found
 */

/**
 * The phrase of a box and its score at a text threshold: the phrase whose words have the highest sum of scores, and the
 * best of them. The score is 0 where no word is left.
 * @param {FoundData} found
 * @param {number | null} threshold
 * @returns {{ phrase: string, score: number }}
 */
export function readingOf({ phrase, score, words }, threshold) {
  if (threshold === null || !words) return { phrase, score };
  let best = { phrase, score: 0, sum: 0 };
  for (const [each, scores] of Object.entries(words)) {
    const left = scores.filter(value => value >= threshold);
    const sum = left.reduce((total, value) => total + value, 0);
    if (sum > best.sum) best = { phrase: each, score: Math.max(...left), sum };
  }
  return { phrase: best.phrase, score: best.score };
}

/**
 * What passes the thresholds, the best first.
 * @param {FoundData[]} found
 * @param {Thresholds} thresholds
 * @returns {PassedObject[]}
 */
export const passing = (found, { box, text }) =>
  found
    .map((each, place) => ({ ...each, place, ...readingOf(each, text) }))
    .filter(({ score }) => score >= box)
    .sort((a, b) => b.score - a.score);

/**
 * Names like dog, dog 2, dog 3 that nothing else has.
 * @param {string[]} phrases
 * @param {Set<string>} taken
 */
export function namesOf(phrases, taken) {
  const used = new Set(taken);
  return phrases.map(phrase => {
    let name = phrase;
    for (let number = 2; used.has(name); number += 1) name = `${phrase} ${number}`;
    used.add(name);
    return name;
  });
}

/**
 * An object as a prompt: the mask where the detector makes them, else its box.
 * @param {FoundData} found
 * @returns {Prompt}
 */
export const promptOf = ({ box, mask }) => (mask ? { mask } : { boxes: [box] });

/**
 * What came of it, in plain sentences.
 * @param {string[]} phrases
 * @param {FoundData[]} found
 * @param {Thresholds} thresholds
 * @param {number} leftOut objects for which there was no room
 */
export function resultText(phrases, found, thresholds, leftOut = 0) {
  const passed = passing(found, thresholds);
  const made = passed.filter(({ known }) => !known).length - leftOut;
  const here = new Set(passed.map(({ phrase }) => phrase));
  const isNew = new Set(passed.filter(({ known }) => !known).map(({ phrase }) => phrase));
  const low = readingsBelow(found, thresholds);
  const already = phrases.filter(phrase => here.has(phrase) && !isNew.has(phrase));
  const below = phrases.filter(phrase => !here.has(phrase) && low.has(phrase));
  const missing = phrases.filter(phrase => !here.has(phrase) && !low.has(phrase));
  const texts = made ? [plural(made, '{n} object selected.', '{n} objects selected.')] : [];
  if (already.length) texts.push(tr('Selected already: {names}.', { names: list(already) }));
  if (below.length) {
    const scores = below.map(phrase => `${phrase} (${number(low.get(phrase) ?? 0, 2)})`);
    texts.push(tr('Below the thresholds: {names}.', { names: list(scores) }));
  }
  if (missing.length) texts.push(tr('Nothing was found for {names}.', { names: list(missing) }));
  if (leftOut)
    texts.push(
      plural(leftOut, '{n} more does not fit. Remove objects first.', '{n} more do not fit. Remove objects first.'),
    );
  return sentences(...texts);
}

/**
 * The best score of each phrase among what does not pass.
 * @param {FoundData[]} found
 * @param {Thresholds} thresholds
 */
function readingsBelow(found, { box, text }) {
  /** @type {Map<string, number>} */
  const low = new Map();
  for (const each of found) {
    const reading = readingOf(each, text);
    const { phrase, score } = reading.score ? reading : each;
    if (reading.score < box) low.set(phrase, Math.max(score, low.get(phrase) ?? 0));
  }
  return low;
}

/**
 * What came of a run through a clip.
 * @param {number} made
 * @param {string[]} missing
 * @param {boolean} stopped
 */
export function runText(made, missing, stopped) {
  const outcome = stopped
    ? plural(made, 'Stopped: {n} new object.', 'Stopped: {n} new objects.')
    : plural(made, 'Done: {n} new object.', 'Done: {n} new objects.');
  const nothing = stopped ? tr('Stopped: no new objects.') : tr('Done: no new objects.');
  const isMissing = missing.length > 0 && !stopped;
  return sentences(
    made ? outcome : nothing,
    isMissing ? tr('Nothing new was found for {names}.', { names: list(missing) }) : '',
  );
}
