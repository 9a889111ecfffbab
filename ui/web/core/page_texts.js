// The texts of page.html in the user's language. What must stay as it is has translate="no". A text with other elements
// inside is one sentence for translators, in which <1>…</1> is the first element; they may come in another order there.

import { tr } from '../shared/language.js';

const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'alt'];
const [ELEMENT, TEXT] = [1, 3]; // nodeType
// Numbers, signs, abbreviations and keys with Ctrl, Shift or Alt are the same in all languages.
const NO_WORDS = /^(?:[^\p{Ll}]*|(?:(?:Ctrl|Shift|Alt)\+)+(?:[^\p{Ll}]+|F\d+)|[\d.]+ px)$/u;

/** @param {string} text */
const squeezed = text => text.replace(/\s+/g, ' ');

/** @param {Node} node */
const textIn = node => (node.nodeType === TEXT ? squeezed(node.nodeValue ?? '').trim() : '');

/** @param {Node} node */
const hasText = node => !!(node.textContent ?? '').trim();

/** @param {Element} element */
const elementsIn = element => /** @type {Element[]} */ ([...element.childNodes].filter(isElement));

/** @param {Node} node */
const isElement = node => node.nodeType === ELEMENT;

/**
 * Whether its text goes on through other elements.
 * @param {Element} element
 */
function isMixed(element) {
  const texts = [...element.childNodes].filter(textIn).length;
  return texts > 1 || (texts === 1 && elementsIn(element).some(hasText));
}

/**
 * The text of an element with numbers for the elements in it, in the order of the document.
 * @param {Element} element
 * @param {Element[]} inner gets them
 * @returns {string}
 */
export function markedText(element, inner) {
  let marked = '';
  for (const node of element.childNodes) {
    if (node.nodeType === TEXT) marked += node.nodeValue;
    if (!isElement(node)) continue;
    const number = inner.push(/** @type {Element} */ (node));
    const text = markedText(/** @type {Element} */ (node), inner);
    marked += text ? `<${number}>${text}</${number}>` : `<${number}/>`;
  }
  return squeezed(marked);
}

/**
 * Calls back for every text of a part of the page as it was served, and for the attributes that hold some.
 * @param {Element} element
 * @param {(text: string, place: { element: Element; attribute?: string; node?: Node }) => void} visit
 */
export function forEachText(element, visit) {
  if (element.getAttribute('translate') === 'no') return;
  for (const attribute of ATTRIBUTES) {
    const text = element.getAttribute(attribute);
    if (text && !NO_WORDS.test(text)) visit(text, { element, attribute });
  }
  if (element.tagName.toLowerCase() === 'svg') return;
  if (isMixed(element)) visit(markedText(element, []).trim(), { element });
  else
    for (const node of element.childNodes) {
      const text = textIn(node);
      if (text && !NO_WORDS.test(text)) visit(text, { element, node });
    }
  const within = 'content' in element ? /** @type {HTMLTemplateElement} */ (element).content : element;
  for (const inner of elementsIn(/** @type {Element} */ (within)))
    forEachText(inner, (text, place) => {
      if (place.attribute || !isMixed(element)) visit(text, place);
    });
}

/**
 * What stands in a translation for the elements of a text.
 * @param {string} text
 * @param {Element[]} inner
 * @returns {(string | Element)[]}
 */
function partsOf(text, inner) {
  const parts = [];
  let rest = 0;
  for (const found of text.matchAll(/<(\d+)(?:\/>|>(.*?)<\/\1>)/gs)) {
    parts.push(text.slice(rest, found.index));
    const element = inner[Number(found[1]) - 1];
    if (element && found[2] !== undefined) element.replaceChildren(...partsOf(found[2], inner));
    if (element) parts.push(element);
    rest = found.index + found[0].length;
  }
  return [...parts, text.slice(rest)];
}

/** @param {Element} part of the page as it was served, with nothing of the user's in it */
export function translatePart(part) {
  /** @type {(() => void)[]} */
  const changes = [];
  forEachText(part, (text, { element, attribute, node }) => {
    const shown = tr(text);
    if (shown === text) return;
    if (attribute) changes.push(() => element.setAttribute(attribute, shown));
    else if (node) {
      const [, before, after] = /^(\s*).*?(\s*)$/s.exec(node.nodeValue ?? '') ?? ['', '', ''];
      changes.push(() => {
        node.nodeValue = `${before}${shown}${after}`;
      });
    } else
      changes.push(() => {
        /** @type {Element[]} */
        const inner = [];
        markedText(element, inner);
        element.replaceChildren(...partsOf(shown, inner));
      });
  });
  for (const change of changes) change();
}
