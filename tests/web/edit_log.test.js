// The edit log: what holds now, undo and redo, tracking that is recorded while other edits are made.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EditLog, fold, joinedSpans, span } from '../../ui/web/core/edit_log.js';

/**
 * @param {number} frame
 * @param {number} object
 * @returns {PromptEntry}
 */
const click = (frame, object, x = 1) => ({ frame, object, prompt: { points: [[x, x, 1]] } });
/** @param {EditLog} log */
const plainPrompts = log =>
  Object.fromEntries([...log.prompts].map(([object, frames]) => [object, Object.fromEntries(frames)]));

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {Entry[][]} steps
 * @property {number} length
 * @property {[step: number, place: number][]} order of the entries
 * @property {object} prompts
 * @property {object} traits
 * @property {object} tracked
 * @property {[step: number, place: number][]} [rejected]
 */

/** @type {Case[]} which Python's edit log is tested on, too (tests/serving/test_edit_log.py) */
const cases = JSON.parse(readFileSync(new URL('../edit_log_cases.json', import.meta.url), 'utf8'));

for (const { name, steps, length, order, prompts, traits, tracked, rejected = [] } of cases) {
  test(`what holds now: ${name}`, () => {
    const log = new EditLog({ steps: steps.map(entries => ({ entries })), length });
    assert.deepEqual(
      log.entries,
      order.map(([step, place]) => steps[step][place]),
    );
    assert.deepEqual(plainPrompts(log), prompts);
    assert.deepEqual(Object.fromEntries(log.traits), traits);
    const frames = [...log.state.tracked].map(([object, each]) => [object, [...each].sort((a, b) => a - b)]);
    assert.deepEqual(Object.fromEntries(frames), tracked);
    assert.deepEqual(
      log.rejected,
      rejected.map(([step, place]) => steps[step][place]),
    );
  });
}

test('the last prompt of an object on a frame holds', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([click(0, 1, 2), click(3, 2)]);
  assert.deepEqual(plainPrompts(log), { 1: { 0: click(0, 1, 2).prompt }, 2: { 3: click(3, 2).prompt } });
});

test('an empty prompt and a removed object leave nothing', () => {
  const log = new EditLog();
  log.add([click(0, 1), click(1, 1), click(0, 2)]);
  log.add([{ frame: 0, object: 1, prompt: {} }, { forget: 2 }]);
  assert.deepEqual(plainPrompts(log), { 1: { 1: click(1, 1).prompt } });
  assert.equal(log.newest, 2);
});

test('undo and redo go step by step, and a new edit ends redo', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([click(0, 2)]);
  assert.deepEqual(log.undo()?.entries, [click(0, 2)]);
  assert.deepEqual([log.canUndo, log.canRedo], [true, true]);
  assert.deepEqual(log.redo()?.entries, [click(0, 2)]);
  log.undo();
  log.add([click(0, 3)]);
  assert.equal(log.canRedo, false);
  assert.deepEqual([...log.prompts.keys()], [1, 3]);
});

test('the requests that follow from undo', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([click(0, 1, 2)]);
  assert.deepEqual(log.consequences(/** @type {Step} */ (log.undo())), [
    { t: 'set_prompt', frame: 0, object: 1, prompt: click(0, 1).prompt },
  ]);
  assert.deepEqual(log.consequences(/** @type {Step} */ (log.undo())), [{ t: 'remove_object', object: 1 }]);
});

test('frames of a run are one step, and frames that came after a later edit are replayed after it', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.addTracked(7, 1, 1, [1]);
  log.addTracked(7, 2, 1, [1]);
  log.add([click(9, 2)]);
  log.addTracked(7, 3, 1, [1]);
  assert.equal(log.length, 3);
  assert.deepEqual(
    log.neededForReplay.map(entry => ('track' in entry ? entry.track : 'object' in entry && entry.object)),
    [1, [1, 3, 1], 2, [3, 4, 1]],
  );
});

/** @param {EditLog} log */
const replayedPrompts = log =>
  log.neededForReplay.map(entry => ('prompt' in entry ? (entry.prompt.points?.[0][0] ?? 'empty') : 'track'));

test('what is recorded while a run goes on is what the log would be folded to', () => {
  const log = new EditLog();
  log.add([click(0, 1), click(0, 2)]);
  log.addTracked(7, 1, 1, [2, 1]);
  assert.deepEqual([...log.state.tracked.keys()], [1, 2]);
  log.addTracked(7, 2, 1, [1, 2]);
  log.add([{ forget: 2 }]);
  assert.deepEqual([...log.state.tracked.keys()], [1]);
  log.addTracked(7, 3, 1, [1, 2]);
  log.addTracked(7, 4, 1, [1]);
  assert.deepEqual(log.state, fold(log.entries));
  assert.deepEqual(log.state.tracked, new Map([[1, new Set([1, 2, 3, 4])]]));
});

test('a prompt that is replaced before anything is tracked is not replayed', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([click(0, 1, 2)]);
  log.addTracked(5, 1, 1, [1]);
  log.add([click(0, 1, 3)]);
  assert.deepEqual(replayedPrompts(log), [2, 'track', 3]);
});

test('an empty prompt is replayed, whatever comes after it', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([{ frame: 0, object: 1, prompt: {} }]);
  log.add([click(0, 1, 2)]);
  assert.deepEqual(replayedPrompts(log), [1, 'empty', 2]);
});

test('traits merge and go with the object', () => {
  const log = new EditLog();
  log.add([{ traits: 1, set: { name: ' A  ball ', color: '#00FF10' } }]);
  log.add([{ traits: 1, set: { label: 'toy', color: 'red' } }]);
  assert.deepEqual(log.traits.get(1), { name: 'A ball', color: '#00ff10', label: 'toy' });
  log.add([{ forget: 1 }]);
  assert.equal(log.traits.has(1), false);
});

test('the frames of [start, stop, step]', () => {
  assert.deepEqual(
    [span([2, 5, 1]), span([5, 2, -1])],
    [
      [2, 4],
      [3, 5],
    ],
  );
});

test('spans of a run that continue each other are joined', () => {
  const log = new EditLog();
  log.add([click(5, 1)]);
  for (const frame of [6, 7]) log.addTracked(7, frame, 1, [1]);
  log.add([click(0, 2)]);
  log.addTracked(7, 8, 1, [1, 2]);
  for (const frame of [4, 3]) log.addTracked(7, frame, -1, [1]);
  assert.deepEqual(joinedSpans(log.steps[1].entries), [
    [6, 9, 1],
    [4, 2, -1],
  ]);
});

test('objects that a run makes are part of its step, and stay when it is redone', () => {
  const log = new EditLog();
  /** @type {Entry} */
  const made = { frame: 0, object: 1, prompt: { boxes: [[0, 0, 4, 4]] } };
  log.addToRun(7, [made, { traits: 1, set: { name: 'dog' } }]);
  log.addTracked(7, 1, 1, [1]);
  log.add([{ frame: 2, object: 9, prompt: { points: [[1, 1, 1]] } }]); // meanwhile
  log.addToRun(7, [{ ...made, frame: 3, object: 2 }]);
  log.addTracked(7, 4, 1, [1, 2]);
  assert.equal(log.steps.length, 2);
  assert.deepEqual([...log.prompts.keys()], [1, 9, 2]);
  assert.deepEqual([...(log.state.tracked.get(2) ?? [])], [4]);
  log.undo();
  const step = log.undo();
  assert.deepEqual([...log.prompts.keys()], []);
  const requests = step ? log.consequences(step).map(({ t }) => t) : [];
  assert.deepEqual(requests.sort(), ['remove_object', 'remove_object', 'untrack', 'untrack']);
  const again = /** @type {Step} */ (log.redo());
  log.restart(again, 8);
  assert.deepEqual([...log.prompts.keys()], [1, 2]);
  assert.equal(log.state.tracked.size, 0);
  assert.equal(log.traits.get(1)?.name, 'dog');
});
