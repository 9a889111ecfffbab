// How masks are shown: the menu “View”. All of it is kept in this browser.

import { makePopover } from '../core/menus.js';
import { find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { clamp } from '../shared/values.js';
import { drawOverlay } from './viewport.js';

/** @type {Record<string, typeof state.others>} */
const OTHERS = { shown: 'shown', outlined: 'outlined', hidden: 'hidden' };
const slider = find('opacity-slider');

/** @param {number} opacity 0 to 1 */
function setOpacity(opacity) {
  update({ opacity });
  slider.value = `${Math.round(100 * opacity)}`;
  find('opacity-text').textContent = percent(opacity);
}

/**
 * A button that is pressed or not, and is kept.
 * @param {'outline' | 'patterns'} name
 * @param {string} setting
 * @param {() => void} refresh
 */
function setUpSwitch(name, setting, refresh) {
  const button = find(name);
  const set = (/** @type {boolean} */ isOn) => {
    update({ [name]: isOn });
    button.setAttribute('aria-pressed', String(isOn));
  };
  listen(button, 'click', () => {
    set(!state[name]);
    saveSetting(setting, state[name] ? 'on' : 'off');
    refresh();
  });
  const saved = loadSetting(setting);
  set(saved ? saved === 'on' : state[name]);
}

export function setUpViewSettings() {
  makePopover(find('view-open'), find('view-panel'));

  const saved = Number.parseInt(loadSetting('masklet-opacity') ?? '', 10);
  setOpacity(Number.isNaN(saved) ? state.opacity : clamp(saved, 0, 100) / 100);
  listen(slider, 'input', () => {
    setOpacity(slider.valueAsNumber / 100);
    saveSetting('masklet-opacity', slider.value);
    drawOverlay();
  });

  setUpSwitch('outline', 'masklet-outline', drawOverlay);
  setUpSwitch('patterns', 'masklet-patterns', () => emit('objects'));

  const colors = find('color-by');
  colors.value = loadSetting('masklet-colors') === 'class' ? 'class' : 'object';
  update({ colorByClass: colors.value === 'class' });
  listen(colors, 'change', () => {
    update({ colorByClass: colors.value === 'class' });
    saveSetting('masklet-colors', colors.value);
    emit('objects');
  });

  const others = find('others');
  others.value = OTHERS[loadSetting('masklet-others') ?? ''] ?? 'shown';
  update({ others: OTHERS[others.value] });
  listen(others, 'change', () => {
    update({ others: OTHERS[others.value] });
    saveSetting('masklet-others', others.value);
    drawOverlay();
  });
}
