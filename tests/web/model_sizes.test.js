// The resolutions in which networks are offered, as the cards of the models dialog show them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupModels, pickModel, resolutionText, shownModel } from '../../ui/web/panels/model_sizes.js';

/** @type {Map<string, string>} */
const storage = new Map();
const localStorage = {
  getItem: (/** @type {string} */ name) => storage.get(name) ?? null,
  setItem: (/** @type {string} */ name, /** @type {string} */ value) => storage.set(name, value),
};
Object.assign(globalThis, { localStorage });

/**
 * @param {string} network
 * @param {number} image_size
 * @returns {import('../../ui/web/protocol.js').ModelData}
 */
function entry(network, image_size) {
  const name = image_size === 1024 ? network : `${network}@${image_size}`;
  return { name, title: name, weights: 'remote', loaded: false, network, image_size };
}

const tiny = [entry('tiny', 512), entry('tiny', 1024)];
const small = [entry('small', 512), entry('small', 768), entry('small', 1024)];
/** @type {import('../../ui/web/protocol.js').ModelData} */
const own = { name: 'mine', title: 'mine', weights: 'own', loaded: true };
const names = (/** @type {{ name: string }[]} */ models) => models.map(({ name }) => name);

test('entries of a network are together, the fastest first', () => {
  const groups = groupModels([own, ...tiny.toReversed(), small[2], small[0], small[1]].flatMap(model => model ?? []));
  assert.deepEqual(groups.map(names), [['mine'], names(tiny), names(small)]);
});

test('the fastest and the most exact resolution have names', () => {
  assert.deepEqual(
    small.map(model => resolutionText(model, small)),
    ['Fast 512', '768', 'Exact 1024'],
  );
});

test('the exact one is shown unless another one is in use or was picked', () => {
  assert.equal(shownModel(tiny, []).name, 'tiny');
  assert.equal(shownModel(tiny, [undefined, 'small@512', 'tiny@512', 'tiny']).name, 'tiny@512');
  assert.equal(shownModel([own], ['tiny']).name, 'mine');
});

test('what was picked is remembered for each network', () => {
  for (const model of [...small.slice(1, 2), ...tiny.slice(0, 1), own]) pickModel(model);
  assert.deepEqual(
    [tiny, small].map(group => shownModel(group, []).name),
    ['tiny@512', 'small@768'],
  );
  assert.equal(shownModel(tiny, ['tiny']).name, 'tiny', 'what is in use comes first');
  assert.equal(shownModel(tiny.slice(1), []).name, 'tiny', 'it may no longer be on offer');
  for (const broken of ['', '{', '3', 'null']) {
    storage.set('masklet-resolutions', broken);
    assert.equal(shownModel(tiny, []).name, 'tiny');
  }
});
