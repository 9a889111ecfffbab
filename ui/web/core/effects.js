// The effect stack of the open project, as plain data in the server's form: {layers: [{effect, …settings}], feather, matte}.
// Which effects and settings exist comes from the server's tables.

import { emit } from '../shared/events.js';
import { clamp, isPlain } from '../shared/values.js';
import { about } from './page.js';
import { state, update } from './store.js';

export const DEFAULT_PRESET = 'Overlay'; // with the opacity of the viewport

/** @returns {EffectStack} */
export const currentEffects = () => state.effectStack ?? presetEffects(DEFAULT_PRESET);

/** The effect stack for the server, without layers whose backdrop was not chosen yet. */
export function usableEffects() {
  const stack = currentEffects();
  const isReady = (/** @type {EffectLayer} */ { effect, ...set }) =>
    Object.entries(about.effects[effect].settings).every(([name, setting]) => setting.kind !== 'backdrop' || set[name]);
  return { ...stack, layers: stack.layers.filter(isReady) };
}

/** The preset that equals the effect stack, else ''. */
export function currentPreset() {
  if (!state.effectStack) return DEFAULT_PRESET;
  const text = JSON.stringify(sanitizeEffects(state.effectStack));
  return Object.keys(about.presets).find(name => JSON.stringify(sanitizeEffects(about.presets[name])) === text) ?? '';
}

/** @param {EffectStack | null} effectStack null: the default preset */
export function setEffects(effectStack) {
  update({ effectStack });
  emit('effects');
}

/** @param {string} name */
export function presetEffects(name) {
  const stack = structuredClone(about.presets[name]);
  if (name === DEFAULT_PRESET) for (const layer of stack.layers) if ('opacity' in layer) layer.opacity = state.opacity;
  return stack;
}

/**
 * Makes an effect stack from a file valid: unknown effects are dropped, invalid settings become their defaults.
 * @param {unknown} plain
 * @returns {EffectStack | null}
 */
export function sanitizeEffects(plain) {
  if (!isPlain(plain) || !Array.isArray(plain.layers)) return null;
  const known = plain.layers.filter(
    (/** @type {unknown} */ layer) => isPlain(layer) && Object.hasOwn(about.effects, layer.effect),
  );
  const layers = known.slice(0, about.max_layers).map((/** @type {EffectLayer} */ { effect, ...set }) => ({
    effect,
    ...sanitizeSettings(about.effects[effect].settings, set),
  }));
  return { layers, ...sanitizeSettings(about.edges, plain) };
}

/**
 * @param {Record<string, Setting>} settings
 * @param {Record<string, unknown>} set
 */
export const sanitizeSettings = (settings, set) =>
  Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, sanitizeSetting(setting, set[name])]));

/**
 * @param {Setting} setting
 * @param {unknown} value
 */
function sanitizeSetting({ kind, low, high, choices, default: standard }, value) {
  if (kind === 'slider')
    return typeof value === 'number' && Number.isFinite(value) ? clamp(value, low, high) : standard;
  if (typeof value !== 'string' || value.length > about.max_text) return standard;
  if (kind === 'choice') return Object.hasOwn(choices, value) ? value : standard;
  if (kind === 'color') return /^#[0-9a-f]{6}$/i.test(value) ? value : standard;
  return value;
}

/**
 * Names of the backdrops in an effect stack.
 * @param {EffectStack} stack
 */
export const backdropsOf = stack =>
  stack.layers.flatMap(({ effect, ...set }) =>
    Object.entries(about.effects[effect].settings)
      .filter(([name, setting]) => setting.kind === 'backdrop' && set[name])
      .map(([name]) => String(set[name])),
  );
