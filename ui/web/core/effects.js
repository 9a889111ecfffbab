// The look: what the effects do to the picture, as plain data that the server reads (Look.to_json): {layers: [{effect,
// …settings}], feather, matte}. It belongs to the work. Tables of what there is come from the server.

import { emit } from '../shared/events.js';
import { clamp, isPlain } from '../shared/values.js';
import { about } from './page.js';
import { state, update } from './store.js';

export const DEFAULT_PRESET = 'Overlay'; // the preset that holds until the user makes another look; as strong as on the stage

/**
 * The effects that hold now.
 * @returns {EffectStack}
 */
export const currentLook = () => state.effectStack ?? presetLook(DEFAULT_PRESET);

// The look as the server is told it: a picture that was not chosen yet does nothing.
export function readyLook() {
  const look = currentLook();
  const isReady = (/** @type {EffectLayer} */ { effect, ...set }) =>
    Object.entries(about.effects[effect].settings).every(([name, knob]) => knob.kind !== 'backdrop' || set[name]);
  return { ...look, layers: look.layers.filter(isReady) };
}

// The preset that the look is, or ''.
export function currentPreset() {
  if (!state.effectStack) return DEFAULT_PRESET;
  const text = JSON.stringify(sanitizeLook(state.effectStack));
  return Object.keys(about.presets).find(name => JSON.stringify(sanitizeLook(about.presets[name])) === text) ?? '';
}

/** @param {EffectStack | null} look */
export function setLook(look) {
  update({ effectStack: look });
  emit('effects');
}

/** @param {string} name */
export function presetLook(name) {
  const look = structuredClone(about.presets[name]);
  if (name === DEFAULT_PRESET) for (const layer of look.layers) if ('opacity' in layer) layer.opacity = state.opacity;
  return look;
}

/**
 * A look may come from a file: what the server would not take is left out, or is as usual.
 * @param {any} plain
 * @returns {EffectStack | null}
 */
export function sanitizeLook(plain) {
  if (!isPlain(plain) || !Array.isArray(plain.layers)) return null;
  const known = plain.layers.filter(
    (/** @type {any} */ layer) => isPlain(layer) && Object.hasOwn(about.effects, layer.effect),
  );
  const layers = known.slice(0, about.max_layers).map((/** @type {EffectLayer} */ { effect, ...set }) => ({
    effect,
    ...sanitizeSettings(about.effects[effect].settings, set),
  }));
  return { layers, ...sanitizeSettings(about.edges, plain) };
}

/**
 * @param {Record<string, Setting>} knobs
 * @param {Record<string, any>} set
 */
export const sanitizeSettings = (knobs, set) =>
  Object.fromEntries(Object.entries(knobs).map(([name, knob]) => [name, sanitizeSetting(knob, set[name])]));

/**
 * @param {Setting} knob
 * @param {any} value
 */
function sanitizeSetting({ kind, low, high, choices, default: usual }, value) {
  if (kind === 'slider') return Number.isFinite(value) ? clamp(value, low, high) : usual;
  if (typeof value !== 'string' || value.length > about.max_text) return usual;
  if (kind === 'choice') return Object.hasOwn(choices, value) ? value : usual;
  if (kind === 'color') return /^#[0-9a-f]{6}$/i.test(value) ? value : usual;
  return value;
}

/**
 * The backdrops that a look names.
 * @param {EffectStack} look
 */
export const backdropsOf = look =>
  look.layers.flatMap(({ effect, ...set }) =>
    Object.entries(about.effects[effect].settings)
      .filter(([name, knob]) => knob.kind === 'backdrop' && set[name])
      .map(([name]) => String(set[name])),
  );
