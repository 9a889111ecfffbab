// The page's root element, its elements by name, the server's tables, and addresses of the session.

import { mount } from './mount.js';
import { state } from './store.js';

export const root = mount.element.querySelector('.mk');

// The element of class mk-<name>.
export const find = (name, within = root) => within.querySelector(`.mk-${name}`);

// Limits, examples, colors, and the tables of downloads and effects (ui/about.py).
export const about = JSON.parse(mount.props.about);

export const base = (window.gradio_config?.root ?? location.origin).replace(/\/$/, '');
export const address = path => `${base}/s/${state.token}/${path}`;

// Listeners of one mount end together.
export const listen = (target, type, listener, options = {}) =>
  target.addEventListener(type, listener, { signal: mount.signal, ...options });

export const fingersOnly = matchMedia('(hover: none) and (pointer: coarse)').matches;
