// The tabs of the side panel. Objects, Effects and Review are always there; the tabs of modes come and go with them.

import { find, listen, root } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { state, update } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { loadSetting, saveSetting } from '../shared/settings.js';

/** @typedef {typeof state.tab} Tab */

const SETTING = 'masklet-tab';
const tabList = find('tabs');
/** @type {HTMLElement[]} */
const tabs = [...tabList.querySelectorAll('.mk-tab')].flatMap(each => (each instanceof HTMLElement ? each : []));
/** @type {HTMLElement[]} */
const panels = tabs.map(tab => /** @type {HTMLElement} */ (root.querySelector(`#mk-panel-${tab.dataset.tab}`)));
/** Those that are no sheet over the picture's surroundings on narrow screens. */
const IN_FLOW = ['objects', 'review'];
/** @type {Tab[]} where to go back to, the last one first */
let before = [];

/** @param {Tab} name */
const tabOf = name => /** @type {HTMLElement} */ (tabs.find(({ dataset }) => dataset.tab === name));

/** @param {Tab} name */
export function showTab(name) {
  const isNew = name !== state.tab;
  if (isNew) before = [state.tab, ...before.filter(each => each !== name && each !== state.tab)];
  update({ tab: name });
  tabOf(name).hidden = false;
  markChosen(tabs, ({ dataset }) => dataset.tab === name);
  for (const [place, panel] of panels.entries()) panel.hidden = tabs[place].dataset.tab !== name;
  root.classList.toggle('mk-has-sheet', !IN_FLOW.includes(name));
  if (!isNew) return;
  if (!tabOf(name).matches('.mk-mode')) saveSetting(SETTING, name);
  emit('tab', name);
}

/**
 * Ends a mode: its tab goes, and the tab before it comes back.
 * @param {Tab} name
 */
export function hideTab(name) {
  before = before.filter(each => each !== name);
  if (state.tab === name) showTab(before.find(each => !tabOf(each).hidden) ?? 'objects');
  tabOf(name).hidden = true;
}

/** @param {Tab} name */
export const focusTab = name => tabOf(name).focus({ preventScroll: true });

export function setUpSideTabs() {
  makeRoving(tabList);
  for (const tab of tabs) listen(tab, 'click', () => showTab(/** @type {Tab} */ (tab.dataset.tab)));
  showTab('objects');
  let isFirst = true;
  on('medium', () => {
    // Effects of nothing would only cover what there is to click on.
    const saved = loadSetting(SETTING);
    if (isFirst && (saved === 'review' || (saved === 'effects' && state.log.prompts.size))) showTab(saved);
    isFirst = false;
  });
}
