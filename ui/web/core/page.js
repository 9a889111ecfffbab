// The page's root element, its elements by name, the server's tables, and addresses of the session.

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

/** Limits, examples, colors, and the tables of downloads and effects. */
export const about = /** @type {About} */ (JSON.parse(mount.props.about));

export const base = (window.gradio_config?.root ?? location.origin).replace(/\/$/, '');

/** @param {string} path */
export const address = path => `${base}/s/${state.token}/${path}`;

/**
 * Listens until the page is unmounted.
 * @template {Event} [E=Event]
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: E) => void} listener
 * @param {AddEventListenerOptions} [options]
 */
export const listen = (target, type, listener, options = {}) =>
  target.addEventListener(type, /** @type {EventListener} */ (listener), { signal: mount.signal, ...options });

export const fingersOnly = matchMedia('(hover: none) and (pointer: coarse)').matches;
