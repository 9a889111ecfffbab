// Making elements. Texts of users get into the page by textContent only.

import { clamp } from './values.js';

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string | number} [text]
 */
export function make(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = String(text);
  return made;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#mk-${name}`);
  svg.append(use);
  return svg;
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} [className]
 */
export function iconButton(name, label, className = '') {
  const button = make('button', `mk-icon ${className}`);
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  return button;
}

/**
 * @param {Element} button
 * @param {string} name
 */
export const setIcon = (button, name) => button.querySelector('use')?.setAttribute('href', `#mk-${name}`);

/**
 * @param {Element} bar
 * @param {number | null} [fraction] null: unknown
 */
export function setProgress(bar, fraction) {
  const unknown = fraction === null || fraction === undefined;
  bar.classList.toggle('mk-unknown', unknown);
  const inner = /** @type {HTMLElement} */ (bar.firstElementChild);
  inner.style.transform = `scaleX(${clamp(unknown ? 1 : fraction, 0, 1)})`;
}

/**
 * The element in which an event happened; only for events of elements.
 * @param {Event} event
 */
export const targetOf = event => /** @type {HTMLElement} */ (event.target);

/**
 * @param {string} className
 * @param {string} text
 * @param {() => void} act
 */
export function makeButton(className, text, act) {
  const button = make('button', className, text);
  button.type = 'button';
  button.onclick = act;
  return button;
}

/**
 * Sets the text of an element, which is hidden where there is none.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function showText(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

const TAIL = 10; // characters at the end of a name that are always seen: the ending, and a number before it

/**
 * Shows a name of the user's in its own direction. Where there is no room for it, it is cut in its middle.
 * @param {HTMLElement} element
 * @param {string} name
 */
export function showName(element, name) {
  const characters = [...name];
  const parts = [characters.slice(0, -TAIL).join(''), characters.slice(-TAIL).join('')];
  element.classList.add('mk-cut');
  element.dir = 'auto';
  element.title = name;
  element.replaceChildren(...parts.filter(Boolean).map(part => make('span', '', part)));
}

/**
 * Scrolls a list to an item of it, never the page: on a phone the viewport stays in sight.
 * @param {Element} list
 * @param {Element} item
 */
export function scrollWithin(list, item) {
  const outer = list.getBoundingClientRect();
  const inner = item.getBoundingClientRect();
  list.scrollTop += Math.min(0, inner.top - outer.top) + Math.max(0, inner.bottom - outer.bottom);
}
