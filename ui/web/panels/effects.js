// The effects tab: presets, the layers of the effect stack with their settings, and the edges of objects. All of it is made
// from the server's tables.

import {
  currentEffects,
  currentPreset,
  DEFAULT_PRESET,
  presetEffects,
  sanitizeSettings,
  setEffects,
} from '../core/effects.js';
import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen, listenForFiles } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { iconButton, make, makeButton, showText } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { number, told, tr } from '../shared/language.js';
import { backdrops, takeBackdrop } from '../storage/backdrops.js';
import { previews } from '../viewport/effect_previews.js';
import { effectThumbnails } from '../viewport/effect_thumbnails.js';
import { repaint } from '../viewport/viewport.js';
import { focusTab, showTab } from './side_tabs.js';

const effectsPanel = find('effects');
const layerList = find('layers');
const backdropPicker = find('backdrop-picker');
const GROUPS = {
  background: tr('Background'),
  objects: tr('Objects'),
  either: tr('Background or objects'),
  marks: tr('On top'),
};
/** @type {{ place: number, name: string } | null} */
let backdropTarget = null; // the setting of a layer that the chosen file is for

// --- changes ---

/** @param {(effects: EffectStack) => void} change */
function changeEffects(change) {
  const effects = structuredClone(currentEffects());
  change(effects);
  setEffects(effects);
}

/** @param {EffectStack | null} effects */
export function chooseEffects(effects) {
  setEffects(effects);
  drawEffects();
}

/** @param {string} name */
export function choosePreset(name) {
  chooseEffects(name === DEFAULT_PRESET ? null : presetEffects(name));
  announce(tr('{name} chosen', { name: told(name) }));
}

/** @param {string} effect */
function addLayer(effect) {
  if (currentEffects().layers.length >= about.max_layers)
    return toast(tr('A look has up to {n} effects. Remove one first.', { n: about.max_layers }), 'hint');
  changeEffects(({ layers }) => layers.push({ effect, ...sanitizeSettings(about.effects[effect].settings, {}) }));
  drawEffects();
  layerList.lastElementChild?.scrollIntoView({ block: 'nearest' });
  announce(tr('{name} added', { name: about.effects[effect].title }));
}

/** @param {number} place */
function removeLayer(place) {
  const { title } = about.effects[currentEffects().layers[place].effect];
  changeEffects(({ layers }) => layers.splice(place, 1));
  drawEffects();
  const { children } = layerList;
  const row = children[Math.min(place, children.length - 1)];
  (row ? buttonIn(row, 'remove') : find('layer-kind')).focus();
  announce(tr('{name} removed', { name: title }));
}

/**
 * @param {number} place
 * @param {1 | -1} step
 */
function moveLayer(place, step) {
  const to = place + step;
  changeEffects(({ layers }) => layers.splice(to, 0, ...layers.splice(place, 1)));
  drawEffects();
  const [same, other] = step < 0 ? ['up', 'down'] : ['down', 'up'];
  const button = buttonIn(layerList.children[to], same);
  (button.disabled ? buttonIn(layerList.children[to], other) : button).focus();
}

/**
 * @param {Element} row
 * @param {string} name
 */
const buttonIn = (row, name) => /** @type {HTMLButtonElement} */ (find(`layer-${name}`, row));

/**
 * @param {EffectLayer | EffectStack} settings of a layer, or those of the edges
 * @param {string} name
 * @param {number | string} value
 */
const setValue = (settings, name, value) => Object.assign(settings, { [name]: value });

/** @param {boolean} sliding */
function slide(sliding) {
  if (state.effectsSliding === sliding) return;
  update({ effectsSliding: sliding });
  if (!sliding) repaint(); // at full resolution
}

// --- controls of settings ---

/**
 * @typedef {(value: number | string) => void} SetValue
 * @typedef {(setting: Setting, value: number | string, label: string, set: SetValue, choose: () => void) => [
 *   control: HTMLElement, ...more: HTMLElement[]]} MakeControl
 * @type {Record<Setting['kind'], MakeControl>}
 */
const CONTROLS = {
  slider({ low, high }, value, label, set) {
    const input = make('input');
    const output = make('output');
    const isShare = high - low <= 1;
    Object.assign(input, { type: 'range', min: low, max: high, step: isShare ? 0.01 : 1, value });
    const showValue = () => {
      const shown = Number(input.value);
      output.textContent = isShare ? percent(shown) : number(Math.round(shown));
    };
    input.oninput = () => {
      slide(true);
      set(Number(input.value));
      showValue();
    };
    input.onchange = () => slide(false);
    showValue();
    return [input, output];
  },

  choice({ choices }, value, label, set) {
    const select = make('select');
    for (const [key, title] of Object.entries(choices)) select.append(new Option(title, key, false, key === value));
    select.onchange = () => set(select.value);
    return [select];
  },

  color({ default: standard }, value, label, set) {
    const input = make('input');
    Object.assign(input, { type: 'color', value: value || '#ffffff', disabled: !value });
    input.oninput = () => {
      slide(true);
      set(input.value);
    };
    input.onchange = () => slide(false);
    if (standard) return [input];
    const own = make('label', 'mk-own');
    const box = make('input');
    Object.assign(box, { type: 'checkbox', checked: !value });
    box.setAttribute('aria-label', tr('{label}: each object its own', { label }));
    box.onchange = () => {
      input.disabled = box.checked;
      set(box.checked ? '' : input.value);
    };
    own.append(box, make('span', '', tr('Each its own')));
    return [input, own];
  },

  text(setting, value, label, set) {
    const input = make('input');
    Object.assign(input, { type: 'text', maxLength: about.max_text, value, autocomplete: 'off' });
    input.oninput = () => set(input.value);
    return [input];
  },

  backdrop(setting, value, label, set, choose) {
    const button = makeButton('mk-button mk-backdrop', value ? tr('Choose another') : tr('Choose a picture'), choose);
    const picture = make('img');
    picture.alt = '';
    if (value) showBackdrop(picture, String(value), button);
    return [button, picture];
  },
};

/**
 * @param {HTMLImageElement} picture
 * @param {string} name
 * @param {HTMLButtonElement} button
 */
async function showBackdrop(picture, name, button) {
  const file = await backdrops.file(name);
  if (!file) {
    button.textContent = tr('Choose it again');
    return;
  }
  picture.onload = () => URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(file);
}

/**
 * @param {number | null} place of a layer; null: the edges
 * @param {string} name
 * @param {Setting} setting
 * @param {string} title
 */
function settingLine(place, name, setting, title) {
  const label = `${title}: ${setting.title}`;
  const stack = currentEffects();
  /** @type {Record<string, unknown>} */
  const values = place === null ? stack : stack.layers[place];
  const value = /** @type {number | string} */ (values[name] ?? setting.default);
  const set = (/** @type {number | string} */ changed) => {
    changeEffects(effects => setValue(place === null ? effects : effects.layers[place], name, changed));
    updatePresets();
  };
  const choose = () => {
    backdropTarget = { place: Number(place), name };
    backdropPicker.click();
  };
  const [control, ...more] = CONTROLS[setting.kind](setting, value, label, set, choose);
  control.setAttribute('aria-label', setting.kind === 'backdrop' ? `${label}: ${control.textContent}` : label);
  const row = make('label', 'mk-setting');
  row.append(make('span', '', setting.title), control);
  const line = make('div', `mk-setting-line mk-${setting.kind}-line`);
  line.append(row, ...more);
  return line;
}

/**
 * @param {EffectLayer} layer
 * @param {number} place
 * @param {EffectLayer[]} layers
 */
function layerRow({ effect }, place, { length }) {
  const { title, settings } = about.effects[effect];
  const row = make('li', 'mk-layer');
  const head = make('div', 'mk-layer-head');
  head.append(make('b', '', title));
  const addButton = (
    /** @type {string} */ name,
    /** @type {string} */ label,
    /** @type {() => void} */ act,
    disabled = false,
  ) => {
    const button = iconButton(name === 'remove' ? 'trash' : name, label, `mk-layer-${name}`);
    head.append(Object.assign(button, { onclick: act, disabled }));
  };
  addButton('up', tr('Move up {name}', { name: title }), () => moveLayer(place, -1), place === 0);
  addButton('down', tr('Move down {name}', { name: title }), () => moveLayer(place, 1), place === length - 1);
  addButton('remove', tr('Remove {name}', { name: title }), () => removeLayer(place));
  row.dataset.effect = effect;
  row.append(head, ...Object.entries(settings).map(([name, setting]) => settingLine(place, name, setting, title)));
  return row;
}

// --- the panel ---

/** @param {string} name */
function presetCard(name) {
  const card = make('label', 'mk-preset');
  const input = make('input');
  const picture = make('img');
  Object.assign(input, { type: 'radio', name: 'mk-preset', value: name, onchange: () => choosePreset(name) });
  picture.alt = '';
  card.dataset.preset = name;
  card.append(input, picture, make('span', '', told(name)));
  return card;
}

/** @returns {NodeListOf<HTMLInputElement>} */
const presetInputs = () => find('presets').querySelectorAll('input');

function updatePresets() {
  const preset = currentPreset();
  for (const input of presetInputs()) input.checked = input.value === preset;
}

/** Each preset as a picture of what is in the viewport. */
function drawPresets() {
  if (!state.effectsOpen || !state.medium || state.playing || state.tracking) return;
  const slots = [...presetInputs()].map(({ value, nextElementSibling: picture }) => ({
    picture: /** @type {HTMLImageElement} */ (picture),
    effects: presetEffects(value),
  }));
  effectThumbnails.show(slots, objects.forExport());
}

function drawEffects() {
  if (!state.effectsOpen) return;
  const { layers } = currentEffects();
  layerList.replaceChildren(...layers.map(layerRow));
  find('layers-none').hidden = layers.length > 0;
  find('edge-settings').replaceChildren(
    ...Object.entries(about.edges).map(([name, setting]) => settingLine(null, name, setting, tr('Edges'))),
  );
  updatePresets();
  updateMessages();
}

function updateMessages() {
  find('effects-empty').hidden = objects.forExport().length > 0;
  showText(find('effects-problem'), previews.problem);
}

/** @param {boolean} open */
export function openEffects(open, focus = true) {
  if (open === state.effectsOpen) return;
  showTab(open ? 'effects' : 'objects');
  if (focus) focusTab('effects');
}

/** @param {string} tab */
function tabChanged(tab) {
  const open = tab === 'effects';
  if (open === state.effectsOpen) return;
  update({ effectsOpen: open });
  if (open) emit('effects-open');
  drawEffects();
  drawPresets();
  repaint();
}

/** @param {[group: string, title: string]} group */
function effectGroup([group, title]) {
  const options = Object.entries(about.effects)
    .filter(([, effect]) => effect.sort === group)
    .map(([name, effect]) => new Option(effect.title, name));
  const element = make('optgroup');
  element.label = title;
  element.append(...options);
  return options.length ? [element] : [];
}

export function setUpEffects() {
  find('presets').append(...Object.keys(about.presets).map(presetCard));
  find('layer-kind').append(...Object.entries(GROUPS).flatMap(effectGroup));
  listen(find('layer-add'), 'click', () => addLayer(find('layer-kind').value));
  listen(find('effects-close'), 'click', () => openEffects(false));
  listen(find('effects-shown'), 'change', () => {
    update({ effectsShown: find('effects-shown').checked });
    repaint();
  });
  listen(effectsPanel, 'keydown', event => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    openEffects(false);
  });
  listenForFiles(backdropPicker, async ([file]) => {
    const target = backdropTarget;
    const version = state.version;
    const backdrop = await takeBackdrop(file);
    if (!backdrop || !target || version !== state.version || !currentEffects().layers[target.place]) return;
    changeEffects(({ layers }) => setValue(layers[target.place], target.name, backdrop));
    drawEffects();
  });
  listen(find('opacity-slider'), 'input', () => {
    if (state.effectStack) return;
    drawEffects();
    emit('effects');
  });
  on('tab', tabChanged);
  shortcuts.v = () => openEffects(!state.effectsOpen, false);

  on('effects objects log masks', () => {
    if (previews.on) repaint();
  });
  on('medium', () => {
    for (const picture of find('presets').querySelectorAll('img')) picture.removeAttribute('src');
    drawEffects();
  });
  on('medium frame objects log masks tracking', drawPresets);
  on('objects log effect-preview', () => {
    if (state.effectsOpen) updateMessages();
  });
  on('screen', name => {
    if (name === 'start') openEffects(false, false);
  });
  on('connection', status => {
    if (status === 'on' && previews.on && previews.problem) repaint();
  });
}
