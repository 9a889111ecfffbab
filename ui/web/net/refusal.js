// What a refused request says to the user.

import { megabytes } from '../shared/format.js';
import { sentences, told, tr } from '../shared/language.js';

/** The server refused a request; the message may be shown. */
export class Refused extends Error {}

export const TOO_LARGE = 413;
const NO_ANSWER = [502, 503, 504];

/**
 * Masklet says in JSON what is wrong. What says nothing of that kind comes from a proxy before it, with limits of its own.
 * @param {number} status
 * @param {string} body
 * @param {number} [bytes] that were sent
 * @returns {string}
 */
export function refusalText(status, body, bytes = 0) {
  const sentence = sentenceIn(body);
  if (sentence) return sentence;
  if (status === TOO_LARGE)
    return sentences(
      bytes
        ? tr('A proxy before Masklet lets nothing as large as this through ({size}).', { size: megabytes(bytes) })
        : tr('A proxy before Masklet lets nothing as large as this through.'),
      tr('Whoever runs it can raise its limit (nginx: client_max_body_size).'),
    );
  if (NO_ANSWER.includes(status)) return tr('A proxy before Masklet got no answer from it. Try again in a moment.');
  return tr('The server did not take this. Try again.');
}

/** @param {string} body */
function sentenceIn(body) {
  try {
    const { error } = JSON.parse(body);
    return typeof error === 'string' ? told(error) : '';
  } catch {
    return ''; // a proxy's own page
  }
}

/**
 * @param {Response} response
 * @param {number} [bytes] that were sent
 */
export const refusalOf = async (response, bytes) =>
  new Refused(refusalText(response.status, await response.text().catch(() => ''), bytes));
