// Refine here: the part of the frame in view is looked at again at full resolution, and its finer mask takes the place of
// the coarse one there. It is part of what is said on the frame, so it is undone and replayed like a click.

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

const REFINE_SHARE = 0.7; // of the frame in view at most; with more of it, the edges would hardly be finer

function partInView() {
  const { width, height } = frameSize();
  const { clientWidth, clientHeight } = viewport;
  const left = clamp(Math.floor(-view.x / view.scale), 0, width - 1);
  const top = clamp(Math.floor(-view.y / view.scale), 0, height - 1);
  const right = clamp(Math.ceil((clientWidth - view.x) / view.scale), left + 1, width);
  const bottom = clamp(Math.ceil((clientHeight - view.y) / view.scale), top + 1, height);
  return [left, top, right, bottom];
}

const overlap = ([left, top, right, bottom], [x, y, width, height]) =>
  x < right && y < bottom && x + width > left && y + height > top;

// Why it cannot be refined here and now; nothing where it can.
function refusal(record, crop, said) {
  const { width, height } = frameSize();
  const [left, top, right, bottom] = crop;
  if (!record?.area) return 'Click on the thing first. Then zoom in on it and refine it.';
  if ((right - left) * (bottom - top) > REFINE_SHARE * width * height) {
    return `Zoom in first, with ${fingersOnly ? 'two fingers' : 'the wheel'}. Then what is in view can be refined.`;
  }
  if (!overlap(crop, record.place))
    return `${objects.trait(state.active).name} is not in view. Move the picture, or select another object.`;
  if (said.crop && crop.every((edge, place) => edge === said.crop[place])) return 'What is in view is refined already.';
  return '';
}

const holds = (outer, inner) =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

let refining = null; // the prompt whose answer is awaited
async function refine() {
  if (!state.medium || state.playing) return;
  const { frame, active: object } = state;
  const said = state.log.prompt(frame, object);
  const crop = partInView();
  const why = refusal(masks.on(frame).get(object), crop, said);
  if (why) return toast(why, 'hint');
  if (!said.crop || holds(crop, said.crop)) {
    refining = prompts.set(frame, object, { ...said, crop });
    return;
  }
  // There is one crop a frame: what was refined elsewhere is kept as a mask that counts pixel by pixel.
  const pen = await drawMask(frame, object);
  if (pen) refining = setMaskPrompt(opaque(pen.canvas), frame, object, undefined, { crop });
}

export function setUpCropRefinement() {
  on('server-masks', message => {
    if (!refining || message.question?.prompt !== refining) return;
    refining = null;
    showTip('Refined what is in view. Undo takes it back.');
    announce('Refined what is in view');
  });

  Object.assign(shortcuts, { r: refine });
  listen(find('refine'), 'click', refine);
}
