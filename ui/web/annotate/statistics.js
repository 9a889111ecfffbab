// What was annotated in each stage of the data engine, counted from the edit log.

/** @import { EditLog } from '../core/edit_log.js' */

import { STAGES } from '../core/traits.js';
import { plural, sentences, tr } from '../shared/language.js';

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
 * @param {Pick<EditLog, 'prompts' | 'traits' | 'rejected'>} held what holds now
 * @returns {StageStatistics[]} one for each stage
 */
export function countStages({ prompts, traits, rejected }) {
  return STAGES.map(stage => {
    const made = [...prompts].filter(([object]) => stageOf(traits.get(object)) === stage);
    const masks = countMasks(made);
    const photos = new Set(made.flatMap(([, frames]) => [...frames.keys()])).size;
    const timed = made.filter(([object]) => traits.get(object)?.seconds !== undefined);
    const seconds = timed.reduce((sum, [object]) => sum + (traits.get(object)?.seconds ?? 0), 0);
    const timedMasks = countMasks(timed);
    const confirmed = countMasks(made.filter(([object]) => traits.get(object)?.source === 'confirmed'));
    const decided = stage === 'semi-automatic' ? confirmed + rejected.length : 0;
    return {
      stage,
      masks,
      photos,
      masksPerPhoto: photos ? masks / photos : null,
      secondsPerMask: timedMasks ? seconds / timedMasks : null,
      confirmed: decided ? confirmed / decided : null,
    };
  });
}

/**
 * On what a training was measured, and what that is worth, for the user.
 * @param {{ photos: number, masks: number }} measured
 */
export function measuredText({ photos, masks }) {
  const on = tr('Measured on {photos} with {masks} that it has not seen.', {
    photos: plural(photos, '{n} photo', '{n} photos'),
    masks: plural(masks, '{n} mask', '{n} masks'),
  });
  const few = tr('So few say little: the difference may be chance. Annotate more photos.');
  return sentences(on, photos < FEW_PHOTOS ? few : '');
}

/**
 * What a run of the automatic stage brought, for the user.
 * @param {object} run
 * @param {number} run.done photos
 * @param {number} run.photos
 * @param {number} run.all masks that were taken
 * @param {number} run.missed masks that did not fit
 * @param {number} run.most objects that the photos share
 */
export function resultText({ done, photos, all, missed, most }) {
  const masks = missed
    ? plural(all + missed, '{taken} of {n} mask', '{taken} of {n} masks', { taken: all })
    : plural(all, '{n} mask', '{n} masks');
  const text =
    done < photos
      ? tr('Stopped after {photos}: {masks}.', { photos: plural(done, '{n} photo', '{n} photos'), masks })
      : tr('{masks} on {photos}.', { photos: plural(photos, '{n} photo', '{n} photos'), masks });
  return sentences(
    text,
    missed ? tr('The best of each photo were taken: all photos share room for {most} objects.', { most }) : '',
  );
}
