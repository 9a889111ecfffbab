// What a detector found as plain data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesOf, passing, promptOf, readingOf, resultText, runText } from '../../ui/web/tools/found_objects.js';

/** @typedef {import('../../ui/web/protocol.js').FoundData} FoundData */
/**
 * @param {string} phrase
 * @param {number} score
 * @param {Partial<FoundData>} [more]
 * @returns {FoundData}
 */
const found = (phrase, score, more = {}) => ({ phrase, score, box: [0, 0, 4, 4], known: false, ...more });

test('a box belongs to the phrase whose words are found in it', () => {
  const each = found('red car', 0.4, { words: { dog: [0.5], 'red car': [0.3, 0.4] } });
  assert.deepEqual(readingOf(each, 0.25), { phrase: 'red car', score: 0.4 });
  assert.deepEqual(readingOf(each, 0.35), { phrase: 'dog', score: 0.5 });
  assert.equal(readingOf(each, 0.6).score, 0);
  assert.deepEqual(readingOf(each, null), { phrase: 'red car', score: 0.4 });
});

test('what passes the thresholds comes with its place, the best first', () => {
  const all = [found('dog', 0.5), found('dog', 0.2), found('cat', 0.8)];
  const passed = passing(all, { box: 0.3, text: null });
  assert.deepEqual(
    passed.map(({ phrase, place }) => [phrase, place]),
    [
      ['cat', 2],
      ['dog', 0],
    ],
  );
});

test('names are numbered, and none is given twice', () => {
  assert.deepEqual(namesOf(['dog', 'cat', 'dog'], new Set()), ['dog', 'cat', 'dog 2']);
  assert.deepEqual(namesOf(['dog', 'dog'], new Set(['dog 2'])), ['dog', 'dog 3']);
  assert.deepEqual(namesOf(['<b>', '🐕'], new Set(['<b>'])), ['<b> 2', '🐕']);
});

test('a mask is the prompt where there is one', () => {
  /** @type {{ size: [number, number], counts: string }} */
  const mask = { size: [4, 4], counts: '04' };
  assert.deepEqual(promptOf(found('dog', 1)), { boxes: [[0, 0, 4, 4]] });
  assert.deepEqual(promptOf(found('dog', 1, { mask })), { mask });
});

test('the result in words', () => {
  const thresholds = { box: 0.3, text: 0.25 };
  const phrases = ['dog', 'cat', 'wheel', 'unicorn'];
  const all = [found('dog', 0.8), found('cat', 0.21), found('wheel', 0.6, { known: true })];
  assert.equal(
    resultText(phrases, all, thresholds),
    '1 object selected. Selected already: wheel. Below the thresholds: cat (0.21). Nothing was found for unicorn.',
  );
  assert.equal(resultText(['a', 'b', 'c'], [], thresholds), 'Nothing was found for a, b and c.');
  const words = found('cat', 0.5, { words: { cat: [0.5] } });
  assert.equal(resultText(['cat'], [words], { box: 0.3, text: 0.6 }), 'Below the thresholds: cat (0.50).');
  assert.equal(
    resultText(['dog'], [found('dog', 0.8), found('dog', 0.7)], thresholds, 1),
    '1 object selected. 1 more does not fit. Remove objects first.',
  );
});

test('the result of a run in words', () => {
  assert.equal(runText(2, ['cat'], false), 'Done: 2 new objects. Nothing new was found for cat.');
  assert.equal(runText(0, ['cat'], true), 'Stopped: no new objects.');
});
