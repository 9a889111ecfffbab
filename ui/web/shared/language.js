// The page in the user's language. As in gettext, the English text in the source is the key of its translations, so that
// code stays readable; the tables lie in ui/web/languages, and the browser fetches the one that it needs.

import { touchWords, withoutKeys } from './wording.js';

/**
 * Forms of a text by category of Intl.PluralRules; the value `n` chooses.
 * @typedef {Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }} PluralForms
 */
/** @typedef {Record<string, string | PluralForms>} Translations */
/** @typedef {{ page: Translations; server: Translations }} LanguageTable `server`: sentences that the server makes */
/** @typedef {Record<string, string | number>} Values */

/** Languages in their own words; the keys are the names of the tables. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  ja: '日本語',
  zh: '中文',
  ar: 'العربية',
};
/** @typedef {keyof typeof LANGUAGES} Language */

/**
 * What Intl is asked for, where that is not the name. Lists are British: without a comma before “and”. Digits in Arabic
 * sentences are those of the time codes and of the fields beside them.
 * @type {Partial<Record<Language, string>>}
 */
const LOCALES = { en: 'en-GB', zh: 'zh-Hans', ar: 'ar-u-nu-latn' };
const RIGHT_TO_LEFT = ['ar'];
/** Values in the server's sentences that are names and words of users. */
const OF_USERS = ['name', 'names', 'phrase'];
const WITHOUT_SPACES = ['ja', 'zh'];
/** @type {Partial<Record<Language, string>>} */
const COMMAS = { ja: '、', zh: '、', ar: '، ' };

/** @param {Language} name */
const localeOf = name => LOCALES[name] ?? name;

/** @param {Language} name */
const isRightToLeft = name => RIGHT_TO_LEFT.includes(name);

/** @type {LanguageTable} */
const NO_TABLE = { page: {}, server: {} };

const current = {
  name: /** @type {Language} */ ('en'),
  table: NO_TABLE,
  isTouch: false, // there are only fingers
  pluralRules: new Intl.PluralRules(LOCALES.en),
  patterns: /** @type {{ pattern: RegExp; names: string[]; key: string }[] | null} */ (null),
};

/**
 * @param {Language} name
 * @param {LanguageTable | null} table null: English is shown
 * @param {boolean} isTouch whether there are only fingers
 */
export function setLanguage(name, table, isTouch = false) {
  const shown = table ? name : 'en';
  const pluralRules = new Intl.PluralRules(localeOf(shown));
  Object.assign(current, { name: shown, table: table ?? NO_TABLE, isTouch, pluralRules, patterns: null });
}

export const language = () => current.name;
export const locale = () => localeOf(current.name);
export const direction = () => (isRightToLeft(current.name) ? 'rtl' : 'ltr');

// --- texts ---

/**
 * The entry of a text as it stands in the source, of the text for fingers where there are only those.
 * @param {string} text
 * @returns {string | PluralForms}
 */
function entryOf(text) {
  const { page } = current.table;
  if (!current.isTouch) return page[text] ?? text;
  const touched = touchWords(text);
  if (page[touched]) return page[touched];
  const entry = page[text] ?? touched;
  return typeof entry === 'string' ? withoutKeys(entry) : entry;
}

/**
 * @param {string | PluralForms} entry
 * @param {Values} values
 */
function formOf(entry, { n }) {
  return typeof entry === 'string' ? entry : (entry[current.pluralRules.select(Number(n))] ?? entry.other);
}

/**
 * @param {string} text with {names} of values
 * @param {Values} values
 */
const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (all, name) => {
    const value = values[name];
    return value === undefined ? all : typeof value === 'number' ? number(value) : isolated(value);
  });

/**
 * What has a direction of its own, as names and “320 × 180” have, and keeps it in a text from right to left.
 * @param {string} text
 */
export const isolated = text => (direction() === 'rtl' && text ? `\u2068${text}\u2069` : text);

/**
 * A text of the page in the user's language.
 * @param {string} text the English one, with {names} where values go
 * @param {Values} [values] numbers are formatted as the language has them
 */
export const tr = (text, values = {}) => filled(formOf(entryOf(text), values), values);

/**
 * A text that counts something.
 * @param {number} n the value {n}
 * @param {string} one the English text for one
 * @param {string} other the English text for all other numbers, the key of the translations
 * @param {Values} [values]
 */
export function plural(n, one, other, values = {}) {
  const isTranslated = other in current.table.page;
  return tr(n === 1 && !isTranslated ? one : other, { n, ...values });
}

/**
 * A text that the server sent, where its translation is known; else as it came.
 * @param {string} text
 * @returns {string}
 */
export function told(text) {
  const { server } = current.table;
  if (current.name === 'en') return current.isTouch ? touchWords(text) : text;
  const known = server[text];
  if (typeof known === 'string') return current.isTouch ? withoutKeys(known) : known;
  for (const { pattern, names, key } of serverPatterns()) {
    const found = pattern.exec(text);
    if (!found) continue;
    // What is put in may be one of the server's sentences itself.
    const valueNamed = (/** @type {string} */ name, /** @type {number} */ place) =>
      OF_USERS.includes(name) ? found[place + 1] : told(found[place + 1]);
    const values = Object.fromEntries(names.map((name, place) => [name, valueNamed(name, place)]));
    const n = Number(values.n?.replace(/,/g, ''));
    return filled(formOf(server[key], { n }), values);
  }
  return text;
}

/** Those of the server's sentences that hold values, the ones with the most words of their own first. */
function serverPatterns() {
  current.patterns ??= Object.keys(current.table.server)
    .filter(key => key.includes('{'))
    .sort((one, other) => fixedLength(other) - fixedLength(one))
    .map(key => ({
      key,
      names: [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      pattern: new RegExp(
        `^${key
          .split(/\{\w+\}/)
          .map(escaped)
          .join('(.*?)')}$`,
        's',
      ),
    }));
  return current.patterns;
}

/** @param {string} key */
const fixedLength = key => key.replace(/\{\w+\}/g, '').length;
/** @param {string} text */
const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * A tooltip for a finger that is held on an element, where there may be a mouse and keys, too.
 * @param {string} title
 */
export const titleForTouch = title => (current.name === 'en' ? touchWords(title) : withoutKeys(title));

// --- numbers and lists ---

/**
 * @param {number} value
 * @param {number} [digits] after the point, always as many
 */
export const number = (value, digits) =>
  new Intl.NumberFormat(locale(), {
    useGrouping: /** @type {any} */ ('min2'), // 1234 frames, but 12,345
    ...(digits !== undefined && { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  }).format(value);

/**
 * “a, b and c”.
 * @param {string[]} words
 */
export const list = words => new Intl.ListFormat(locale()).format(words);

/**
 * “a, b, c”, of facts about the same thing.
 * @param {string[]} facts
 */
export const commas = facts => facts.filter(Boolean).join(COMMAS[current.name] ?? ', ');

/**
 * Sentences one after the other.
 * @param {string[]} texts '' is left out
 */
export const sentences = (...texts) => texts.filter(Boolean).join(WITHOUT_SPACES.includes(current.name) ? '' : ' ');
