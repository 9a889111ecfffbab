// Which texts the page has, read from its sources, and which of them a table of ui/web/languages lacks:
//
//     node tests/web/languages.js                        all keys as JSON, with where they are used
//     node tests/web/languages.js --missing de           those that the table of German lacks
//     node tests/web/languages.js --add de german.json   adds translations ({English: translation}), in the order of the keys
//
// The server's sentences come from server_sentences.json beside this file (see tests/ui/test_languages.py).

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { forEachText } from '../../ui/web/core/page_texts.js';
import { touchWords, withoutKeys } from '../../ui/web/shared/wording.js';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const WEB = here('../../ui/web/');

/** @typedef {import('../../ui/web/shared/language.js').LanguageTable} LanguageTable */
/** @typedef {{ key: string; section: 'page' | 'server'; plural: boolean; where: string }} Key */

// --- page.html, as far as its texts need a document ---

const VOID = new Set(['input', 'img', 'br', 'use', 'path', 'circle', 'rect']);

class Text {
  nodeType = 3;
  /** @param {string} nodeValue */
  constructor(nodeValue) {
    this.nodeValue = nodeValue;
  }

  get textContent() {
    return this.nodeValue;
  }
}

class Element {
  nodeType = 1;
  /** @type {(Element | Text)[]} */
  childNodes = [];
  /** @type {Map<string, string>} */
  #attributes;

  /**
   * @param {string} tagName
   * @param {string} attributes
   */
  constructor(tagName, attributes) {
    this.tagName = tagName;
    this.#attributes = new Map([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    if (tagName === 'template') Object.assign(this, { content: this });
  }

  /** @param {string} name */
  getAttribute = name => decoded(this.#attributes.get(name) ?? '') || null;

  /** @returns {string} */
  get textContent() {
    return this.childNodes.map(({ textContent }) => textContent).join('');
  }
}

/** @param {string} text */
const decoded = text => text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');

/** @param {string} html */
function parse(html) {
  const root = new Element('div', '');
  const open = [root];
  for (const [, end, name, attributes = '', closed, text] of html.matchAll(
    /<(\/?)([a-z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*(\/?)>|([^<]+)/gi,
  )) {
    const parent = open[open.length - 1];
    if (text !== undefined) parent.childNodes.push(new Text(decoded(text)));
    else if (end) open.pop();
    else {
      const element = new Element(name, attributes);
      parent.childNodes.push(element);
      if (!closed && !VOID.has(name)) open.push(element);
    }
  }
  if (open.length !== 1) throw new Error('page.html: a tag is not closed');
  return root;
}

// --- the keys ---

/** @returns {Key[]} */
function keysOfHtml() {
  /** @type {Key[]} */
  const keys = [];
  const root = parse(readFileSync(`${WEB}page.html`, 'utf8'));
  forEachText(/** @type {any} */ (root), key => keys.push({ key, section: 'page', plural: false, where: 'page.html' }));
  return keys;
}

/**
 * The texts in the calls of a module: literals, or a choice between literals.
 * @param {string} path
 * @returns {Key[]}
 */
function keysOfModule(path) {
  const source = ts.createSourceFile(path, readFileSync(`${WEB}${path}`, 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {Key[]} */
  const keys = [];
  /**
   * @param {ts.Expression} argument
   * @param {boolean} isPlural
   */
  const add = (argument, isPlural) => {
    if (ts.isStringLiteralLike(argument))
      keys.push({ key: argument.text, section: 'page', plural: isPlural, where: path });
    else if (ts.isConditionalExpression(argument)) {
      add(argument.whenTrue, isPlural);
      add(argument.whenFalse, isPlural);
    } else throw new Error(`${path}: ${argument.getText()} is no literal, so no table can have it`);
  };
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      if (node.expression.text === 'tr') add(node.arguments[0], false);
      if (node.expression.text === 'plural') add(node.arguments[2], true);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return keys;
}

/** @returns {Key[]} */
function keysOfServer() {
  /** @type {Record<string, string[]>} */
  const sentences = JSON.parse(readFileSync(here('server_sentences.json'), 'utf8'));
  return Object.entries(sentences).flatMap(([where, texts]) =>
    texts.map(key => ({ key, section: /** @type {const} */ ('server'), plural: false, where: `server: ${where}` })),
  );
}

/**
 * A text that speaks of clicks has one for fingers, too. Keys in brackets go out by themselves.
 * @param {Key} key
 * @returns {Key[]}
 */
function withTouch(key) {
  const touched = touchWords(key.key);
  return key.section === 'page' && touched !== withoutKeys(key.key)
    ? [key, { ...key, key: touched, where: `${key.where}, for fingers` }]
    : [key];
}

/** Every key once, in the order in which the page has them. */
export function allKeys() {
  const modules = readdirSync(WEB, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.js'));
  const own = modules.filter(path => !['shared/language.js', 'core/page_texts.js'].includes(path)).sort();
  /** @type {Map<string, Key>} */
  const found = new Map();
  for (const key of [...keysOfHtml(), ...own.flatMap(keysOfModule)].flatMap(withTouch).concat(keysOfServer())) {
    const name = `${key.section}: ${key.key}`;
    const known = found.get(name);
    if (!known) found.set(name, { ...key });
    else if (!known.where.includes(key.where)) known.where += `; ${key.where}`;
    if (known && known.plural !== key.plural)
      throw new Error(`${key.key} is counted in one place (${key.where}) and not in another (${known.where})`);
  }
  return [...found.values()];
}

/** @param {string} language */
const pathOf = language => `${WEB}languages/${language}.json`;

/**
 * @param {string} language
 * @returns {LanguageTable}
 */
export const readTable = language =>
  existsSync(pathOf(language)) ? JSON.parse(readFileSync(pathOf(language), 'utf8')) : { page: {}, server: {} };

/** @param {string} language */
const missing = language => allKeys().filter(({ key, section }) => !(key in readTable(language)[section]));

/**
 * @param {string} language
 * @param {Record<string, any>} translations
 */
function addTo(language, translations) {
  const table = readTable(language);
  /** @type {LanguageTable} */
  const next = { page: {}, server: {} };
  for (const { key, section } of allKeys()) {
    const entry = translations[key] ?? table[section][key];
    if (entry !== undefined) next[section][key] = entry;
  }
  writeFileSync(pathOf(language), `${JSON.stringify(next, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [command, language, file] = process.argv.slice(2);
  if (command === '--add') addTo(language, JSON.parse(readFileSync(file, 'utf8')));
  else console.log(JSON.stringify(command === '--missing' ? missing(language) : allKeys(), null, 2));
}
