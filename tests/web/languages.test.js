// The page in other languages: that every text has its translation, and how one is put together.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  commas,
  LANGUAGES,
  list,
  number,
  plural,
  sentences,
  setLanguage,
  told,
  tr,
} from '../../ui/web/shared/language.js';
import { allKeys, readTable } from './languages.js';

const keys = allKeys();
const OTHERS = /** @type {(keyof typeof LANGUAGES)[]} */ (Object.keys(LANGUAGES).filter(name => name !== 'en'));
/** What a translation may leave out: words that only English puts in. */
const OPTIONAL = ['s', 'verb'];

/** @param {string} text */
const placeholdersOf = text =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))]
    .filter(name => !OPTIONAL.includes(name))
    .sort();

/** @param {string} text */
const elementsOf = text => [...text.matchAll(/<(\d+)/g)].map(([, place]) => place).sort();

/**
 * Categories of what is counted here: millions, which some languages have a form of their own for, never are.
 * @param {string} language
 */
function categoriesOf(language) {
  const rules = new Intl.PluralRules(language);
  return [...new Set(Array.from({ length: 1000 }, (_, n) => rules.select(n)))].sort();
}

/** Forms of small numbers may say the number in words, as “one” and “two” in Arabic. */
const MAY_OMIT_NUMBER = ['zero', 'one', 'two'];

for (const language of OTHERS) {
  const table = readTable(language);

  test(`${language}: every text is translated, and nothing else`, () => {
    for (const section of /** @type {const} */ (['page', 'server'])) {
      const expected = keys.filter(key => key.section === section).map(({ key }) => key);
      const there = new Set(Object.keys(table[section]));
      assert.deepEqual(
        expected.filter(key => !there.has(key)),
        [],
        'missing',
      );
      assert.deepEqual(
        [...there].filter(key => !expected.includes(key)),
        [],
        'left over',
      );
    }
  });

  test(`${language}: translations have the values, elements and forms of their texts`, () => {
    for (const { key, section, plural: isPlural } of keys) {
      const entry = table[section][key];
      if (entry === undefined) continue;
      const forms = typeof entry === 'string' ? { other: entry } : entry;
      if (isPlural || typeof entry !== 'string') {
        assert.ok(key.includes('{n}') || isPlural, `${key}: counts nothing`);
        assert.deepEqual(Object.keys(forms).sort(), categoriesOf(language), `${key}: the forms of ${language}`);
      }
      for (const [category, text] of Object.entries(forms)) {
        assert.ok(text.trim(), `${key}: ${category} is empty`);
        const expected = placeholdersOf(key);
        const found = placeholdersOf(text);
        const omits = typeof entry !== 'string' && MAY_OMIT_NUMBER.includes(category) && !found.includes('n');
        assert.deepEqual(found, omits ? expected.filter(name => name !== 'n') : expected, `${key}: ${text}`);
        assert.deepEqual(elementsOf(text), elementsOf(key), `${key}: ${text}`);
      }
    }
  });

  test(`${language}: keys in brackets stay, for tooltips show them apart`, () => {
    for (const { key, section } of keys) {
      const entry = table[section][key];
      if (typeof entry !== 'string' || section === 'server') continue;
      const [, inside] = / \(((?:[A-Z0?/+−](?![^,;)])|(?:Ctrl|Shift|Alt)\+|Page |Esc)[^()]*)\)$/.exec(key) ?? [];
      if (!inside) continue;
      assert.match(entry, / \([^()]+\)$/, `${key}: ${entry}`);
      const [, kept] = /^((?:[A-Z][a-z]+\+)?)[a-z]+$/.exec(inside) ?? []; // “wheel” is a word, and no key
      const found = /\(([^\s,;)]*)/.exec(entry)?.[1];
      assert.ok(kept ? found?.startsWith(kept) : found === inside.split(/[\s,;]/)[0], `${key}: ${entry}`);
    }
  });

  test(`${language}: a translation is not the English text`, () => {
    const same = keys.filter(({ key, section }) => table[section][key] === key && !SAME[language]?.includes(key));
    assert.deepEqual(
      same.map(({ key }) => key).filter(key => !/^[^\p{Ll}]*$/u.test(key.replace(/\{\w+\}/g, ''))),
      [],
    );
  });
}

/** @type {Record<string, string[]>} words that both languages have */
const SAME = {
  de: [
    'Download (D)',
    'Download',
    'Lasso',
    'dog, wheel',
    'Esc',
    'Original',
    'Format',
    'Look',
    'Video',
    '{n} ms',
    'Clip',
    '{n} s',
    '{n} min',
    'Pause',
    'Pizza',
    'Studio',
    'Neon',
    'Sticker',
    'Text',
  ],
  fr: [
    'Lasso',
    'dog, wheel',
    'Photos',
    'Minutes',
    'Format',
    'Options',
    'Clip',
    'Pause',
    'clip',
    'Pizza',
    'Parasol',
    'Studio',
  ],
  es: ['dog, wheel', 'Detector', 'Color', 'Esc', '{n} ms', 'Clip', '{n} s', '{n} min', '{n} fps', 'clip', 'Pizza'],
  ja: ['Home', 'End', 'Esc'],
  zh: ['dog, wheel', 'Del', 'Page Up', 'Page Down', 'Home', 'End', 'Esc'],
};

// --- how it works ---

const GERMAN = {
  page: {
    'Looks good?': 'Sieht gut aus?',
    'Click on it.': 'Klicken Sie darauf.',
    'Tap on it.': 'Tippen Sie darauf.',
    'Undo (Ctrl+Z)': 'Rückgängig (Ctrl+Z)',
    '{n} objects': { one: '{n} Objekt', other: '{n} Objekte' },
    '{name} is {label}': '{label}: das ist {name}',
  },
  server: {
    'Reading the file': 'Datei wird gelesen',
    '{n} frames read': { one: '{n} Bild gelesen', other: '{n} Bilder gelesen' },
    '{title} cannot be read here. {reason}': '{title} sind hier nicht lesbar. {reason}',
    'Save it first.': 'Zuerst speichern.',
    'Use {title}': '{title} nehmen',
  },
};

afterEach(() => setLanguage('en', null));

test('a text is its own key, and what is not translated is English', () => {
  setLanguage('de', GERMAN);
  assert.equal(tr('Looks good?'), 'Sieht gut aus?');
  assert.equal(tr('Something new'), 'Something new');
  assert.equal(tr('{name} is {label}', { name: '{label}', label: 'Hund' }), 'Hund: das ist {label}');
  setLanguage('de', null);
  assert.equal(tr('Looks good?'), 'Looks good?');
});

test('numbers choose the form and are written as the language does', () => {
  const count = (/** @type {number} */ n) => plural(n, '{n} object', '{n} objects');
  assert.deepEqual([0, 1, 12345].map(count), ['0 objects', '1 object', '12,345 objects']);
  setLanguage('de', GERMAN);
  assert.deepEqual([0, 1, 12345].map(count), ['0 Objekte', '1 Objekt', '12.345 Objekte']);
  assert.equal(number(4, 1), '4,0');
  setLanguage('ar', { page: {}, server: {} });
  assert.equal(number(4.5), '4.5', 'the digits of fields and time codes');
});

test('fingers get their own words and no keys', () => {
  setLanguage('en', null, true);
  assert.equal(tr('Click on it.'), 'Tap on it.');
  assert.equal(tr('Undo (Ctrl+Z)'), 'Undo');
  setLanguage('de', GERMAN, true);
  assert.equal(tr('Click on it.'), 'Tippen Sie darauf.');
  assert.equal(tr('Undo (Ctrl+Z)'), 'Rückgängig');
});

test('the server’s sentences are known with what is in them', () => {
  assert.equal(told('12 frames read'), '12 frames read');
  setLanguage('de', GERMAN);
  assert.equal(told('Reading the file'), 'Datei wird gelesen');
  assert.equal(told('1 frames read'), '1 Bild gelesen');
  assert.equal(
    told('PSD files cannot be read here. Save it first.'),
    'PSD files sind hier nicht lesbar. Zuerst speichern.',
  );
  assert.equal(told('No one knows this.'), 'No one knows this.');
});

test('lists and sentences are joined as the language does', () => {
  assert.equal(list(['a', 'b', 'c']), 'a, b and c');
  assert.equal(commas(['a', '', 'b']), 'a, b');
  assert.equal(sentences('One.', '', 'Two.'), 'One. Two.');
  setLanguage('ja', { page: {}, server: {} });
  assert.equal(commas(['a', 'b']), 'a、b');
  assert.equal(sentences('一。', '二。'), '一。二。');
});
