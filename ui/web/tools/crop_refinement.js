// Crop refinement ("Refine here"): the part of the frame in view is encoded a second time at full resolution, and its finer
// mask replaces the coarse one inside the crop. The crop is part of the prompt, so it is undone and replayed like a click.

import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { masks } from '../viewport/masks.js';
import { drawMask, setMaskPrompt } from './mask_prompt.js';
import { prompts } from './prompts.js';
import { contains, overlaps } from './shapes.js';
import { cropInView, shareOf } from './view_crop.js';

const MAX_SHARE = 0.7; // of the frame; with a larger crop, the edges would hardly be finer

/**
 * Why the mask cannot be refined, for the user; '' where it can.
 * @param {MaskRecord | undefined} record
 * @param {Box} crop
 * @param {Prompt} prompt
 */
function refusal(record, crop, prompt) {
  if (!record?.area) return tr('Click on the thing first. Then zoom in on it and refine it.');
  if (shareOf(crop) > MAX_SHARE) {
    return fingersOnly
      ? tr('Zoom in first, with two fingers. Then what is in view can be refined.')
      : tr('Zoom in first, with the wheel. Then what is in view can be refined.');
  }
  if (!overlaps(crop, record.place))
    return tr('{name} is not in view. Move the picture, or select another object.', {
      name: objects.trait(state.active).name,
    });
  return String(crop) === String(prompt.crop) ? tr('What is in view is refined already.') : '';
}

/** @type {Prompt | undefined} the prompt whose answer is awaited */
let refining;

async function refine() {
  if (!state.medium || state.playing) return;
  const { frame, active: object } = state;
  const prompt = state.log.prompt(frame, object);
  const crop = cropInView();
  const why = refusal(masks.on(frame).get(object), crop, prompt);
  if (why) return toast(why, 'hint');
  if (!prompt.crop || contains(crop, prompt.crop)) {
    refining = prompts.set(frame, object, { ...prompt, crop });
    return;
  }
  // A prompt holds one crop: what was refined elsewhere becomes a mask prompt.
  const context = await drawMask(frame, object);
  if (context) refining = setMaskPrompt(opaque(context.canvas), frame, object, undefined, { crop });
}

export function setUpCropRefinement() {
  on('server-masks', ({ question }) => {
    if (!refining || question?.t !== 'set_prompt' || question.prompt !== refining) return;
    refining = undefined;
    showTip(tr('Refined what is in view. Undo takes it back.'));
    announce(tr('Refined what is in view'));
  });

  Object.assign(shortcuts, { r: refine });
  listen(find('refine'), 'click', refine);
}
