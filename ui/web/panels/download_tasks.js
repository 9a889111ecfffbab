// What a download is for: four tasks, each with its formats, the sensible one first, and the look of what is written.

/** @typedef {'cutout' | 'picture' | 'data' | 'review'} Task */

import { presetEffects, usableEffects } from '../core/effects.js';
import { about } from '../core/page.js';
import { tr } from '../shared/language.js';

const CUTOUT = 'Cutout'; // the preset
/** @type {Record<string, string>} */
const PICTURE_TITLES = { image: tr('Picture'), clip: tr('Video'), album: tr('Pictures') };
/** @type {Record<Task, { title: string; text: string; preferred: string[] }>} `preferred`: formats, before all others */
export const TASKS = {
  cutout: {
    title: tr('Cut-out'),
    text: tr('The objects alone, see-through around them'),
    preferred: ['webm', 'png', 'webp', 'mov'],
  },
  picture: { title: '', text: tr('As you see it, with its effects'), preferred: ['mp4', 'gif', 'webm', 'png', 'jpg'] },
  data: {
    title: tr('Data set'),
    text: tr('Masks to train on or to measure'),
    preferred: ['dataset', 'coco', 'masks', 'yolo'],
  },
  review: { title: tr('Review'), text: tr('A page for others to check and comment'), preferred: [] },
};
const ORDER = /** @type {Task[]} */ (Object.keys(TASKS));
/**
 * Masks in their colors on black, as index pictures have them.
 * @type {EffectStack}
 */
const MASKS_ALONE = {
  layers: [
    { effect: 'color', color: '#000000' },
    { effect: 'overlay', opacity: 1, outline: 0 },
  ],
  feather: 0,
  matte: 0,
};

/** @param {EffectStack} effects */
export const isSeeThrough = ({ layers }) => layers.some(({ effect }) => effect === 'cutout');

/**
 * @param {Task} task
 * @param {string} kind of the medium
 */
export const titleOf = (task, kind) => TASKS[task].title || PICTURE_TITLES[kind];

/**
 * Names of a task's formats for such a medium, the sensible one first.
 * @param {Task} task
 * @param {string} kind of the medium
 */
export function formatsOf(task, kind) {
  const { preferred } = TASKS[task];
  const isOf = (/** @type {string} */ name) => {
    const { group, endings } = about.kinds[name];
    if (!(kind in endings)) return false;
    if (task === 'cutout') return preferred.includes(name);
    return task === 'data' ? group !== 'picture' && group !== 'review' : group === task;
  };
  const place = (/** @type {string} */ name) => (preferred.indexOf(name) + 1 || preferred.length + 1) - 1;
  return Object.keys(about.kinds)
    .filter(isOf)
    .sort((one, other) => place(one) - place(other));
}

/** @param {string} kind of the medium */
export const tasksFor = kind => ORDER.filter(task => formatsOf(task, kind).length);

/**
 * The effects with which a task's files show the objects; a cut-out keeps the user's own where one sees through them.
 * @param {Task} task
 * @returns {EffectStack}
 */
export function effectsOf(task) {
  if (task === 'data') return MASKS_ALONE;
  if (task === 'review') return presetEffects('Overlay');
  const effects = usableEffects();
  return task === 'cutout' && !isSeeThrough(effects) ? presetEffects(CUTOUT) : effects;
}

/** @param {Task} task */
export const presetsOf = task =>
  Object.keys(about.presets).filter(name => task !== 'cutout' || isSeeThrough(about.presets[name]));
