// The resolutions in which a network is offered: fast ones see less detail. Which was picked outlives the visit.

/** @import { ModelData } from '../protocol.js' */

import { tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';

const SETTING = 'masklet-resolutions';

/**
 * Entries of the same network together, the fastest first, in the order of the networks; weights of one's own are alone.
 * @param {ModelData[]} models
 */
export function groupModels(models) {
  /** @type {Map<string, ModelData[]>} */
  const groups = new Map();
  for (const model of models) {
    const key = model.network ?? model.name;
    groups.set(key, [...(groups.get(key) ?? []), model]);
  }
  return [...groups.values()].map(group =>
    group.sort(({ image_size: one = 0 }, { image_size: other = 0 }) => one - other),
  );
}

/**
 * @param {ModelData} model
 * @param {ModelData[]} group
 */
export function resolutionText({ name, image_size }, group) {
  if (name === group[0]?.name) return tr('Fast {size}', { size: `${image_size}` });
  return name === group[group.length - 1]?.name ? tr('Exact {size}', { size: `${image_size}` }) : `${image_size}`;
}

/**
 * The entry of a network to show: the first of these names, else what was picked at an earlier time, else the exact one.
 * @param {ModelData[]} group
 * @param {(string | undefined)[]} names
 */
export function shownModel(group, names) {
  const ofGroup = (/** @type {string | undefined} */ name) => group.find(model => model.name === name);
  const found = names.map(ofGroup).find(Boolean);
  const size = remembered()[group[0]?.network ?? ''];
  const last = /** @type {ModelData} */ (group[group.length - 1]);
  return found ?? group.find(({ image_size }) => image_size === size) ?? last;
}

/** @param {ModelData} model */
export function pickModel({ network, image_size }) {
  if (network) saveSetting(SETTING, JSON.stringify({ ...remembered(), [network]: image_size }));
}

/** @returns {Record<string, unknown>} the sizes by network */
function remembered() {
  try {
    const saved = JSON.parse(loadSetting(SETTING) ?? '');
    return typeof saved === 'object' && saved ? saved : {};
  } catch {
    return {};
  }
}
