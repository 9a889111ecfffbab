import { clamp } from './values.js';

export function make(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#mk-${name}`);
  svg.append(use);
  return svg;
}

export function iconButton(name, label, className = '') {
  const button = make('button', `mk-icon ${className}`);
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  return button;
}

export const setIcon = (button, name) => button.querySelector('use').setAttribute('href', `#mk-${name}`);

export function setProgress(bar, fraction) {
  bar.classList.toggle('mk-unknown', fraction === null || fraction === undefined);
  bar.firstElementChild.style.transform = `scaleX(${clamp(fraction ?? 1, 0, 1)})`;
}
