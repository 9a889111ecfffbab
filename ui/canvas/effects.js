// The panel of effects: presets, the layers of the look with their settings, and its edges. Everything is made from the
// tables that the server sent.

const effectsPanel = find('effects'), layerList = find('layers'), backdropPicker = find('backdrop-picker');
const SORTS = { background: 'Background', objects: 'Objects', either: 'Background or objects', marks: 'On top' };
let backdropWanted = null;       // {layer, name}: the setting that the chosen file is for

// --- what the user does ---

function changeLook(change) {
  const look = structuredClone(effects.look);
  change(look);
  effects.set(look);
}

function useLook(look) {
  effects.set(look);
  drawEffects();
}

function choosePreset(name) {
  useLook(name === PLAIN ? null : presetLook(name));
  announce(`${name} chosen`);
}

function addLayer(effect) {
  if (effects.look.layers.length >= about.max_layers) return toast(`A look has up to ${about.max_layers} effects. Remove one first.`, 'hint');
  changeLook(look => look.layers.push({ effect, ...saneSettings(about.effects[effect].settings, {}) }));
  drawEffects();
  layerList.lastElementChild.scrollIntoView({ block: 'nearest' });
  announce(`${about.effects[effect].title} added`);
}

function removeLayer(place) {
  const { title } = about.effects[effects.look.layers[place].effect];
  changeLook(look => look.layers.splice(place, 1));
  drawEffects();
  (layerList.children[Math.min(place, layerList.children.length - 1)]?.querySelector('.mk-layer-remove') ?? find('layer-kind')).focus();
  announce(`${title} removed`);
}

function moveLayer(place, step) {
  const to = place + step;
  changeLook(look => look.layers.splice(to, 0, ...look.layers.splice(place, 1)));
  drawEffects();
  const row = layerList.children[to], same = find(step < 0 ? 'layer-up' : 'layer-down', row);
  (same.disabled ? find(step < 0 ? 'layer-down' : 'layer-up', row) : same).focus();
}

// `place` of a layer, or null for the edges.
function tune(place, name, value) {
  changeLook(look => { (place === null ? look : look.layers[place])[name] = value; });
  updatePresets();
}

function slide(sliding) {
  if (effects.sliding === sliding) return;
  effects.sliding = sliding;
  if (!sliding) repaint();       // now in full
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
    const input = make('input'), shownValue = make('output'), isShare = high - low <= 1;
    Object.assign(input, { type: 'range', min: low, max: high, step: isShare ? 0.01 : 1, value });
    const say = () => { shownValue.textContent = isShare ? `${Math.round(100 * input.value)}%` : Math.round(input.value); };
    input.oninput = () => { effects.sliding = true; set(Number(input.value)); say(); };
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
    input.oninput = () => { effects.sliding = true; set(input.value); };
    input.onchange = () => slide(false);
    if (usual) return [input];
    const own = make('label', 'mk-own'), box = make('input');
    Object.assign(box, { type: 'checkbox', checked: !value });
    box.setAttribute('aria-label', `${label}: each object its own`);
    box.onchange = () => { input.disabled = box.checked; set(box.checked ? '' : input.value); };
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
    const button = make('button', 'mk-button mk-backdrop', value ? 'Choose another' : 'Choose a picture'), small = make('img');
    button.type = 'button';
    button.onclick = () => { backdropWanted = where; backdropPicker.click(); };
    small.alt = '';
    if (value) showBackdrop(small, value, button);
    return [button, small];
  },
};

async function showBackdrop(small, name, button) {
  const file = await backdrops.file(name);
  if (!file) return void (button.textContent = 'Choose it again');
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
  const { title, settings } = about.effects[layer.effect], row = make('li', 'mk-layer'), head = make('div', 'mk-layer-head');
  const button = (name, label, className, act, disabled = false) => {
    const made = iconButton(name, `${label} ${title}`, className);
    Object.assign(made, { onclick: act, disabled });
    return made;
  };
  head.append(make('b', '', title),
    button('up', 'Move up', 'mk-layer-up', () => moveLayer(place, -1), place === 0),
    button('down', 'Move down', 'mk-layer-down', () => moveLayer(place, 1), place === length - 1),
    button('trash', 'Remove', 'mk-layer-remove', () => removeLayer(place)));
  row.dataset.effect = layer.effect;
  row.append(head, ...Object.entries(settings).map(([name, knob]) => settingOf(place, name, knob, layer[name] ?? knob.default, title)));
  return row;
}

function updatePresets() {
  const { preset } = effects;
  for (const chip of find('presets').children) chip.setAttribute('aria-pressed', chip.textContent === preset);
}

function drawEffects() {
  if (!effects.open) return;
  const { look } = effects, { length } = look.layers;
  layerList.replaceChildren(...look.layers.map(layerRow));
  find('layers-none').hidden = length > 0;
  find('edges').replaceChildren(find('edges').firstElementChild,
    ...Object.entries(about.edges).map(([name, knob]) => settingOf(null, name, knob, look[name] ?? knob.default, 'Edges')));
  updatePresets();
  updateEffects();
}

// What it says of itself.
function updateEffects() {
  find('effects-empty').hidden = objects.forExport().length > 0;
  find('effects-problem').textContent = previews.problem;
  find('effects-problem').hidden = !previews.problem;
}

function openEffects(open, focus = true) {
  if (open === effects.open) return;
  effects.open = open;
  effectsPanel.hidden = !open;
  root.classList.toggle('mk-has-effects', open);
  find('effects-open').setAttribute('aria-expanded', open);
  find('effects-open').setAttribute('aria-pressed', open);
  drawEffects();
  if (focus) (open ? find('presets').querySelector('[aria-pressed=true]') ?? find('effects-close') : find('effects-open')).focus({ preventScroll: true });
  repaint();
}

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
  for (const [name, effect] of Object.entries(about.effects)) if (effect.sort === sort) group.append(new Option(effect.title, name));
  if (group.children.length) find('layer-kind').append(group);
}
on(find('layer-add'), 'click', () => addLayer(find('layer-kind').value));
on(find('effects-open'), 'click', () => openEffects(!effects.open));
on(find('effects-close'), 'click', () => openEffects(false));
on(find('effects-shown'), 'change', event => { effects.seen = event.target.checked; repaint(); });
on(effectsPanel, 'keydown', event => {
  if (event.key !== 'Escape') return;
  event.preventDefault();
  event.stopPropagation();
  openEffects(false);
});
on(backdropPicker, 'change', async () => {
  const [file] = backdropPicker.files, wanted = backdropWanted, version = state.version;
  backdropPicker.value = '';
  const name = await takeBackdrop(file);
  if (!name || !wanted || version !== state.version || !effects.look.layers[wanted.place]) return;
  tune(wanted.place, wanted.name, name);
  drawEffects();
});
on(find('opacity').querySelector('input'), 'input', () => {
  if (effects.made) return;
  drawEffects();
  tell('look');
});
Object.assign(keys, { v: () => openEffects(!effects.open, false) });

when('look objects journal masks', () => { if (previews.on) repaint(); });
when('medium', drawEffects);
when('objects journal painting', () => { if (effects.open) updateEffects(); });
when('screen', name => { if (name === 'start') openEffects(false, false); });
when('line', status => { if (status === 'on' && previews.on && previews.problem) repaint(); });
