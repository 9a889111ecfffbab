// The data engine's stages: how long masks take, who made them, and the statistics of each stage.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countStages, measuredText, resultText } from '../../ui/web/annotate/statistics.js';
import { MAX_PAUSE, Stopwatch } from '../../ui/web/annotate/stopwatch.js';
import { EditLog } from '../../ui/web/core/edit_log.js';
import { sanitizeTraits } from '../../ui/web/core/traits.js';

/**
 * @param {number} frame
 * @param {number} object
 * @returns {PromptEntry}
 */
const click = (frame, object) => ({ frame, object, prompt: { points: [[1, 1, 1]] } });

test('the time of an object goes from its first prompt to the next object, without pauses', () => {
  let now = 100;
  const watch = new Stopwatch(() => now);
  watch.begin(1);
  now += 4;
  watch.act();
  now += MAX_PAUSE + 1; // a pause
  watch.begin(1);
  now += 3;
  assert.equal(watch.end(), 7);
  assert.equal(watch.object, 0);
  watch.begin(2);
  now += 0.5;
  assert.equal(watch.end(), 0.5);
});

test('each stage counts its masks, the time that they took and the share of proposals that was confirmed', () => {
  const log = new EditLog();
  log.add([click(0, 1)]); // before any stage was chosen
  log.add([click(0, 2), { traits: 2, set: { stage: 'assisted', source: 'person', seconds: 6 } }]);
  log.add([click(1, 2)]);
  log.add([click(2, 3), { traits: 3, set: { stage: 'semi-automatic', source: 'confirmed' } }]);
  log.amend(3, { seconds: 1 });
  log.add([click(2, 4), { traits: 4, set: { stage: 'semi-automatic', source: 'person', seconds: 5 } }]);
  log.add([{ reject: 2, mask: { size: [2, 3], counts: '221O' }, predicted_iou: 0.5 }]);
  assert.deepEqual(countStages(log), [
    { stage: 'assisted', masks: 3, photos: 2, masksPerPhoto: 1.5, secondsPerMask: 3, confirmed: null },
    { stage: 'semi-automatic', masks: 2, photos: 1, masksPerPhoto: 2, secondsPerMask: 3, confirmed: 0.5 },
    { stage: 'automatic', masks: 0, photos: 0, masksPerPhoto: null, secondsPerMask: null, confirmed: null },
  ]);
  log.undo();
  assert.deepEqual([countStages(log)[1].masks, countStages(log)[1].confirmed], [2, 1]);
});

test('traits that were added to a step go with it', () => {
  const log = new EditLog();
  log.add([click(0, 1)]);
  log.add([click(0, 2)]);
  log.amend(2, { seconds: 3 });
  assert.equal(log.traits.get(2)?.seconds, 3);
  log.undo();
  assert.equal(log.traits.get(2), undefined);
  log.amend(1, { seconds: 2 });
  assert.equal(log.traits.get(1)?.seconds, 2);
  assert.ok(log.canRedo);
  log.redo();
  assert.equal(log.traits.get(2)?.seconds, 3);
});

test('how a mask was made is read with care', () => {
  const made = { stage: 'automatic', source: 'automatic', seconds: 2, predicted_iou: 0.9, stability_score: 1 };
  assert.deepEqual(sanitizeTraits(made), made);
  const wrong = { stage: 'later', source: 5, seconds: -1, predicted_iou: '1', stability_score: Number.NaN };
  assert.deepEqual(sanitizeTraits(wrong), {});
});

test('scores on few photos come with a warning', () => {
  assert.match(measuredText({ photos: 1, masks: 3 }), /^Measured on 1 photo with 3 masks .* chance/);
  assert.doesNotMatch(measuredText({ photos: 12, masks: 30 }), /chance/);
});

test('the automatic stage says how many masks did not fit', () => {
  const run = { done: 3, photos: 3, all: 12, missed: 0, most: 200 };
  assert.equal(resultText(run), '12 masks on 3 photos.');
  assert.match(resultText({ ...run, missed: 4 }), /^12 of 16 masks on 3 photos\. .* room for 200 objects/);
  assert.match(resultText({ ...run, done: 1 }), /^Stopped after 1 photo: 12 masks/);
});
