// Texts that name what a hand does: written for a mouse and keys, and said in other words where there are only fingers.

/** @type {Record<string, string>} */
const TAPS = { click: 'tap', clicks: 'taps', clicked: 'tapped', clicking: 'tapping' };
const KEYS = /^(?:[A-Z0?/+−](?:$|,|;)|(?:Ctrl|Shift|Alt)\+|Page (?:Up|Down)|Esc$|\[)/;

/**
 * @param {string} word
 * @param {string} model whose first letter is large or small
 */
const inCaseOf = (word, model) => (/^[A-Z]/.test(model) ? word[0].toUpperCase() + word.slice(1) : word);

/**
 * A text of any language without keys in brackets.
 * @param {string} text
 */
export const withoutKeys = text => text.replace(/ \(([^()]*)\)/g, (all, inside) => (KEYS.test(inside) ? '' : all));

/**
 * The English text for fingers: without keys in brackets, and with taps. Names in quotes stay as they are.
 * @param {string} text
 */
export const touchWords = text =>
  withoutKeys(text).replace(/“[^”]*”|\bright-click|\bclick(?:s|ed|ing)?\b|\bpoint at\b/gi, found => {
    const small = found.toLowerCase();
    if (small === 'right-click') return inCaseOf('long-press', found);
    if (small === 'point at') return inCaseOf('hold', found);
    return small in TAPS ? inCaseOf(TAPS[small], found) : found;
  });
