// The panel of effects: presets, the layers of the look with their settings, and its edges. Everything is made from the
// tables that the server sent.

import { currentLook, currentPreset, DEFAULT_PRESET, presetLook, sanitizeSettings, setLook } from '../core/effects.js';
import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen, root } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { iconButton, make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { backdrops, takeBackdrop } from '../storage/backdrops.js';
import { previews } from '../viewport/effect_previews.js';
import { repaint } from '../viewport/viewport.js';

const effectsPanel = find('effects');
const layerList = find('layers');
const backdropPicker = find('backdrop-picker');
const SORTS = { background: 'Background', objects: 'Objects', either: 'Background or objects', marks: 'On top' };
let backdropWanted = null; // {layer, name}: the setting that the chosen file is for

// --- what the user does ---

function changeLook(change) {
  const look = structuredClone(currentLook());
  change(look);
  setLook(look);
}

export function useLook(look) {
  setLook(look);
  drawEffects();
}

export function choosePreset(name) {
  useLook(name === DEFAULT_PRESET ? null : presetLook(name));
  announce(`${name} chosen`);
}

function addLayer(effect) {
  if (currentLook().layers.length >= about.max_layers)
    return toast(`A look has up to ${about.max_layers} effects. Remove one first.`, 'hint');
  changeLook(look => look.layers.push({ effect, ...sanitizeSettings(about.effects[effect].settings, {}) }));
  drawEffects();
  layerList.lastElementChild.scrollIntoView({ block: 'nearest' });
  announce(`${about.effects[effect].title} added`);
}

function removeLayer(place) {
  const { title } = about.effects[currentLook().layers[place].effect];
  changeLook(look => look.layers.splice(place, 1));
  drawEffects();
  (
    layerList.children[Math.min(place, layerList.children.length - 1)]?.querySelector('.mk-layer-remove') ??
    find('layer-kind')
  ).focus();
  announce(`${title} removed`);
}

function moveLayer(place, step) {
  const to = place + step;
  changeLook(look => look.layers.splice(to, 0, ...look.layers.splice(place, 1)));
  drawEffects();
  const row = layerList.children[to];
  const same = find(step < 0 ? 'layer-up' : 'layer-down', row);
  (same.disabled ? find(step < 0 ? 'layer-down' : 'layer-up', row) : same).focus();
}

// `place` of a layer, or null for the edges.
function tune(place, name, value) {
  changeLook(look => {
    (place === null ? look : look.layers[place])[name] = value;
  });
  updatePresets();
}

function slide(sliding) {
  if (state.effectsSliding === sliding) return;
  update({ effectsSliding: sliding });
  if (!sliding) repaint(); // now in full
}

// --- its parts ---

function settingRow(title, control, label) {
  const row = make('label', 'mk-setting');
  control.setAttribute('aria-label', label);
  row.append(make('span', '', title), control);
  return row;
}

const KNOBS = {
  slider({ low, high }, value, label, set) {
    const input = make('input');
    const shownValue = make('output');
    const isShare = high - low <= 1;
    Object.assign(input, { type: 'range', min: low, max: high, step: isShare ? 0.01 : 1, value });
    const say = () => {
      shownValue.textContent = isShare ? `${Math.round(100 * input.value)}%` : Math.round(input.value);
    };
    input.oninput = () => {
      update({ effectsSliding: true });
      set(Number(input.value));
      say();
    };
    input.onchange = () => slide(false);
    say();
    return [input, shownValue];
  },

  choice({ choices }, value, label, set) {
    const select = make('select');
    for (const [key, title] of Object.entries(choices)) select.append(new Option(title, key, false, key === value));
    select.onchange = () => set(select.value);
    return [select];
  },

  color({ default: usual }, value, label, set) {
    const input = make('input');
    Object.assign(input, { type: 'color', value: value || '#ffffff', disabled: !value });
    input.oninput = () => {
      update({ effectsSliding: true });
      set(input.value);
    };
    input.onchange = () => slide(false);
    if (usual) return [input];
    const own = make('label', 'mk-own');
    const box = make('input');
    Object.assign(box, { type: 'checkbox', checked: !value });
    box.setAttribute('aria-label', `${label}: each object its own`);
    box.onchange = () => {
      input.disabled = box.checked;
      set(box.checked ? '' : input.value);
    };
    own.append(box, make('span', '', 'Each its own'));
    return [input, own];
  },

  text(knob, value, label, set) {
    const input = make('input');
    Object.assign(input, { type: 'text', maxLength: about.max_text, value, autocomplete: 'off' });
    input.oninput = () => set(input.value);
    return [input];
  },

  backdrop(knob, value, label, set, where) {
    const button = make('button', 'mk-button mk-backdrop', value ? 'Choose another' : 'Choose a picture');
    const small = make('img');
    button.type = 'button';
    button.onclick = () => {
      backdropWanted = where;
      backdropPicker.click();
    };
    small.alt = '';
    if (value) showBackdrop(small, value, button);
    return [button, small];
  },
};

async function showBackdrop(small, name, button) {
  const file = await backdrops.file(name);
  if (!file) {
    button.textContent = 'Choose it again';
    return;
  }
  small.onload = () => URL.revokeObjectURL(small.src);
  small.src = URL.createObjectURL(file);
}

function settingOf(place, name, knob, value, title) {
  const label = `${title}: ${knob.title}`;
  const [control, ...more] = KNOBS[knob.kind](knob, value, label, set => tune(place, name, set), { place, name });
  const row = settingRow(knob.title, control, knob.kind === 'backdrop' ? `${label}: ${control.textContent}` : label);
  const whole = make('div', `mk-setting-line mk-${knob.kind}-line`);
  whole.append(row, ...more);
  return whole;
}

function layerRow(layer, place, { length }) {
  const { title, settings } = about.effects[layer.effect];
  const row = make('li', 'mk-layer');
  const head = make('div', 'mk-layer-head');
  const button = (name, label, className, act, disabled = false) => {
    const made = iconButton(name, `${label} ${title}`, className);
    Object.assign(made, { onclick: act, disabled });
    return made;
  };
  head.append(
    make('b', '', title),
    button('up', 'Move up', 'mk-layer-up', () => moveLayer(place, -1), place === 0),
    button('down', 'Move down', 'mk-layer-down', () => moveLayer(place, 1), place === length - 1),
    button('trash', 'Remove', 'mk-layer-remove', () => removeLayer(place)),
  );
  row.dataset.effect = layer.effect;
  row.append(
    head,
    ...Object.entries(settings).map(([name, knob]) => settingOf(place, name, knob, layer[name] ?? knob.default, title)),
  );
  return row;
}

function updatePresets() {
  const preset = currentPreset();
  for (const chip of find('presets').children) chip.setAttribute('aria-pressed', chip.textContent === preset);
}

function drawEffects() {
  if (!state.effectsOpen) return;
  const look = currentLook();
  const { length } = look.layers;
  layerList.replaceChildren(...look.layers.map(layerRow));
  find('layers-none').hidden = length > 0;
  find('edges').replaceChildren(
    find('edges').firstElementChild,
    ...Object.entries(about.edges).map(([name, knob]) =>
      settingOf(null, name, knob, look[name] ?? knob.default, 'Edges'),
    ),
  );
  updatePresets();
  updateEffects();
}

// What it says of itself.
function updateEffects() {
  find('effects-empty').hidden = objects.forExport().length > 0;
  find('effects-problem').textContent = previews.problem;
  find('effects-problem').hidden = !previews.problem;
}

export function openEffects(open, focus = true) {
  if (open === state.effectsOpen) return;
  update({ effectsOpen: open });
  effectsPanel.hidden = !open;
  root.classList.toggle('mk-has-effects', open);
  find('effects-open').setAttribute('aria-expanded', open);
  find('effects-open').setAttribute('aria-pressed', open);
  drawEffects();
  if (focus)
    (open
      ? (find('presets').querySelector('[aria-pressed=true]') ?? find('effects-close'))
      : find('effects-open')
    ).focus({ preventScroll: true });
  repaint();
}

export function setUpEffects() {
  // --- wiring ---

  for (const name of Object.keys(about.presets)) {
    const chip = make('button', 'mk-chip-button', name);
    chip.type = 'button';
    chip.onclick = () => choosePreset(name);
    find('presets').append(chip);
  }
  for (const sort of Object.keys(SORTS)) {
    const group = make('optgroup');
    group.label = SORTS[sort];
    for (const [name, effect] of Object.entries(about.effects))
      if (effect.sort === sort) group.append(new Option(effect.title, name));
    if (group.children.length) find('layer-kind').append(group);
  }
  listen(find('layer-add'), 'click', () => addLayer(find('layer-kind').value));
  listen(find('effects-open'), 'click', () => openEffects(!state.effectsOpen));
  listen(find('effects-close'), 'click', () => openEffects(false));
  listen(find('effects-shown'), 'change', event => {
    update({ effectsShown: event.target.checked });
    repaint();
  });
  listen(effectsPanel, 'keydown', event => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    openEffects(false);
  });
  listen(backdropPicker, 'change', async () => {
    const [file] = backdropPicker.files;
    const wanted = backdropWanted;
    const version = state.version;
    backdropPicker.value = '';
    const name = await takeBackdrop(file);
    if (!name || !wanted || version !== state.version || !currentLook().layers[wanted.place]) return;
    tune(wanted.place, wanted.name, name);
    drawEffects();
  });
  listen(find('opacity').querySelector('input'), 'input', () => {
    if (state.effectStack) return;
    drawEffects();
    emit('effects');
  });
  Object.assign(shortcuts, { v: () => openEffects(!state.effectsOpen, false) });

  on('effects objects log masks', () => {
    if (previews.on) repaint();
  });
  on('medium', drawEffects);
  on('objects log effect-preview', () => {
    if (state.effectsOpen) updateEffects();
  });
  on('screen', name => {
    if (name === 'start') openEffects(false, false);
  });
  on('connection', status => {
    if (status === 'on' && previews.on && previews.problem) repaint();
  });
}
