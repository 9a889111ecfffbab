// Texts that name what a hand does: written for a mouse and keys, and said in other words where there are only fingers.

import { fingersOnly, root } from './page.js';

/** @type {Record<string, string>} */
const TAPS = { click: 'tap', clicks: 'taps', clicked: 'tapped', clicking: 'tapping' };
const KEYS = /^(?:[A-Z0?/+−](?:$|,)|(?:Ctrl|Shift|Alt)\+|Page (?:Up|Down)|Esc$|\[ and)/;
const SAID = ['title', 'aria-label', 'placeholder'];

/**
 * @param {string} word
 * @param {string} model whose first letter is large or small
 */
const inCaseOf = (word, model) => (/^[A-Z]/.test(model) ? word[0].toUpperCase() + word.slice(1) : word);

/**
 * The text for fingers: without keys in brackets, and with taps. Names in quotes stay as they are.
 * @param {string} text
 */
export const touchWords = text =>
  text
    .replace(/ \(([^()]*)\)/g, (all, inside) => (KEYS.test(inside) ? '' : all))
    .replace(/“[^”]*”|\bright-click|\bclick(?:s|ed|ing)?\b|\bpoint at\b/gi, found => {
      const small = found.toLowerCase();
      if (small === 'right-click') return inCaseOf('long-press', found);
      if (small === 'point at') return inCaseOf('hold', found);
      return small in TAPS ? inCaseOf(TAPS[small], found) : found;
    });

/** @param {string} text */
export const worded = text => (fingersOnly ? touchWords(text) : text);

/** @param {ParentNode & Node} part of the page as it was served, with nothing of the user's in it */
function rewordPart(part) {
  for (const element of part.querySelectorAll('*')) {
    for (const name of SAID) {
      const text = element.getAttribute(name);
      if (text) element.setAttribute(name, touchWords(text));
    }
    for (const node of element.childNodes)
      if (node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim()) node.nodeValue = touchWords(node.nodeValue);
    if (element instanceof HTMLTemplateElement) rewordPart(element.content);
  }
}

export function setUpWording() {
  if (fingersOnly) rewordPart(root);
}
