// Tracking pauses where an object is lost, unless the user has switched that off.

import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { goTo } from '../timeline/navigation.js';

const SETTING = 'masklet-pause';
const pauseBox = find('lost-pause-box');

let enabled = loadSetting(SETTING) !== 'no';

export const pausesOnLoss = () => enabled;

/** @param {boolean} wanted */
function setPausesOnLoss(wanted) {
  enabled = wanted;
  saveSetting(SETTING, enabled ? 'yes' : 'no');
  updateButtons();
}

function updateButtons() {
  find('pausing').setAttribute('aria-pressed', String(enabled));
  find('pausing').title = enabled ? tr('Pause where an object is lost: on') : tr('Pause where an object is lost: off');
  pauseBox.checked = enabled;
}

/**
 * Shows the frame and selects the object, so that the next click corrects it.
 * @param {number} object
 * @param {number} frame
 */
export function showLoss(object, frame) {
  goTo(frame, true);
  if (state.log.prompts.has(object)) objects.select(object);
  const text = tr('{name} was lost at frame {n}. Click on it, or go on.', {
    name: objects.trait(object).name,
    n: frame + 1,
  });
  find('lost-text').textContent = text;
  find('lost').hidden = false;
  announce(text);
}

function hideLoss() {
  find('lost').hidden = true;
}

export function setUpLoss() {
  updateButtons();
  listen(find('pausing'), 'click', () => setPausesOnLoss(!enabled));
  listen(pauseBox, 'change', () => setPausesOnLoss(pauseBox.checked));
  listen(find('lost-close'), 'click', hideLoss);
  on('medium queued', hideLoss);
  on('tracking', () => {
    if (state.tracking) hideLoss();
  });
}
