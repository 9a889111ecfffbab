// What was annotated in each stage of the data engine, counted from the edit log.

import { STAGES } from '../core/traits.js';
import { counted } from '../shared/format.js';

const FEW_PHOTOS = 10; // scores on fewer may change by chance

/**
 * @typedef {object} StageStatistics
 * @property {Stage} stage
 * @property {number} masks
 * @property {number} photos with such a mask
 * @property {number | null} masksPerPhoto null: there is none
 * @property {number | null} secondsPerMask of a person's time; null: not measured
 * @property {number | null} confirmed the share of the model's proposals that a person confirmed; null: there was none
 */

/** @param {Partial<Traits>} [traits] of an object; what was made outside of a stage is by a person's prompts */
export const stageOf = traits => traits?.stage ?? 'assisted';

/** @param {[number, Map<number, Prompt>][]} made objects with their prompts: one mask for each frame */
const countMasks = made => made.reduce((sum, [, frames]) => sum + frames.size, 0);

/**
 * @param {{ prompts: Map<number, Map<number, Prompt>>, traits: Map<number, Partial<Traits>> }} held what holds now
 * @returns {StageStatistics[]} one for each stage
 */
export function countStages({ prompts, traits }) {
  return STAGES.map(stage => {
    const made = [...prompts].filter(([object]) => stageOf(traits.get(object)) === stage);
    const masks = countMasks(made);
    const photos = new Set(made.flatMap(([, frames]) => [...frames.keys()])).size;
    const timed = made.filter(([object]) => traits.get(object)?.seconds !== undefined);
    const seconds = timed.reduce((sum, [object]) => sum + (traits.get(object)?.seconds ?? 0), 0);
    const timedMasks = countMasks(timed);
    const confirmed = countMasks(made.filter(([object]) => traits.get(object)?.source === 'confirmed'));
    const rejected = [...traits.values()].filter(each => each.source === 'rejected' && each.stage === stage).length;
    return {
      stage,
      masks,
      photos,
      masksPerPhoto: photos ? masks / photos : null,
      secondsPerMask: timedMasks ? seconds / timedMasks : null,
      confirmed: confirmed + rejected ? confirmed / (confirmed + rejected) : null,
    };
  });
}

/**
 * On what a training was measured, and what that is worth, for the user.
 * @param {{ photos: number, masks: number }} measured
 */
export function measuredText({ photos, masks }) {
  const on = `Measured on ${counted(photos, 'photo')} with ${counted(masks, 'mask')} that it has not seen.`;
  return photos < FEW_PHOTOS ? `${on} So few say little: the difference may be chance. Annotate more photos.` : on;
}
