// The page's root element, its elements by name, the server's tables, and addresses of the session.

import { told } from '../shared/language.js';
import { mount } from './mount.js';
import { state } from './store.js';

export const root = /** @type {HTMLElement} */ (mount.element.querySelector('.mk'));

/**
 * The element of class mk-<name>.
 * @template {string} Name
 * @param {Name} name
 * @param {ParentNode} [within]
 */
export const find = (name, within = root) =>
  /** @type {Name extends keyof PageElements ? PageElements[Name] : HTMLElement} */ (
    within.querySelector(`.mk-${name}`)
  );

/** Limits, examples, colors, and the tables of downloads and effects, with their texts in the user's language. */
export const about = translatedTables(JSON.parse(mount.props.about));

/**
 * @param {About} tables
 * @returns {About}
 */
function translatedTables(tables) {
  const { examples = [], hero, kinds = {}, effects = {}, edges = {} } = tables;
  for (const each of [...examples, ...Object.values(kinds), ...Object.values(effects)]) {
    each.title = told(each.title);
    if ('idea' in each) each.idea = told(each.idea);
    if ('text' in each) each.text = told(each.text);
  }
  for (const object of hero?.objects ?? []) object.name = told(object.name);
  for (const setting of [edges, ...Object.values(effects).map(({ settings }) => settings)].flatMap(Object.values)) {
    setting.title = told(setting.title);
    for (const [name, title] of Object.entries(setting.choices)) setting.choices[name] = told(title);
  }
  return tables;
}

/** Of this load of the page: tells it from the session's other pages. */
export const pageId = `${Date.now()}-${Math.random()}`;

export const base = (window.gradio_config?.root ?? location.origin).replace(/\/$/, '');

/** @param {string} path */
export const address = path => `${base}/s/${state.token}/${path}`;

/**
 * Listens until the page is unmounted.
 * @template {keyof HTMLElementEventMap} Type
 * @overload
 * @param {EventTarget} target
 * @param {Type} type
 * @param {(event: HTMLElementEventMap[Type]) => void} listener
 * @param {AddEventListenerOptions} [options]
 * @returns {void}
 */
/**
 * @template {Event} E
 * @overload
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: E) => void} listener
 * @param {AddEventListenerOptions} [options]
 * @returns {void}
 */
/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {EventListener} listener
 * @param {AddEventListenerOptions} [options]
 */
export function listen(target, type, listener, options = {}) {
  target.addEventListener(type, listener, { signal: mount.signal, ...options });
}

/**
 * Listens for the files that a picker chooses; the same ones can then be chosen again.
 * @param {HTMLInputElement} picker
 * @param {(files: File[]) => void} act
 */
export const listenForFiles = (picker, act) =>
  listen(picker, 'change', () => {
    const files = [...(picker.files ?? [])];
    picker.value = '';
    if (files.length) act(files);
  });

export const fingersOnly = matchMedia('(hover: none) and (pointer: coarse)').matches;
