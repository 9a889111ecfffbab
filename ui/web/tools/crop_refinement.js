// Crop refinement ("Refine here"): the part of the frame in view is encoded a second time at full resolution, and its finer
// mask replaces the coarse one inside the crop. The crop is part of the prompt, so it is undone and replayed like a click.

import { frameSize } from '../core/media.js';
import { announce, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, view } from '../core/store.js';
import { on } from '../shared/events.js';
import { clamp } from '../shared/values.js';
import { masks } from '../viewport/masks.js';
import { viewport } from '../viewport/viewport.js';
import { drawMask, setMaskPrompt } from './mask_prompt.js';
import { prompts } from './prompts.js';
import { contains, overlaps } from './shapes.js';

const MAX_SHARE = 0.7; // of the frame; with a larger crop, the edges would hardly be finer

/** @returns {Box} */
function cropInView() {
  const { width, height } = frameSize();
  const { clientWidth, clientHeight } = viewport;
  const left = clamp(Math.floor(-view.x / view.scale), 0, width - 1);
  const top = clamp(Math.floor(-view.y / view.scale), 0, height - 1);
  const right = clamp(Math.ceil((clientWidth - view.x) / view.scale), left + 1, width);
  const bottom = clamp(Math.ceil((clientHeight - view.y) / view.scale), top + 1, height);
  return [left, top, right, bottom];
}

/**
 * Why the mask cannot be refined, for the user; '' where it can.
 * @param {MaskRecord | undefined} record
 * @param {Box} crop
 * @param {Prompt} prompt
 */
function refusal(record, crop, prompt) {
  const { width, height } = frameSize();
  const [left, top, right, bottom] = crop;
  if (!record?.area) return 'Click on the thing first. Then zoom in on it and refine it.';
  if ((right - left) * (bottom - top) > MAX_SHARE * width * height) {
    return `Zoom in first, with ${fingersOnly ? 'two fingers' : 'the wheel'}. Then what is in view can be refined.`;
  }
  if (!overlaps(crop, record.place))
    return `${objects.trait(state.active).name} is not in view. Move the picture, or select another object.`;
  return String(crop) === String(prompt.crop) ? 'What is in view is refined already.' : '';
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
    showTip('Refined what is in view. Undo takes it back.');
    announce('Refined what is in view');
  });

  Object.assign(shortcuts, { r: refine });
  listen(find('refine'), 'click', refine);
}
