// A question to the user, in a dialog with a button for each answer.

import { makeButton } from '../shared/elements.js';
import { find } from './page.js';

/**
 * Resolves to the number of the answer, or to null where the user closes the dialog.
 * @param {string} title
 * @param {string} text
 * @param {string[]} answers titles of the buttons, the suggested one last
 * @returns {Promise<number | null>}
 */
export function ask(title, text, answers) {
  const dialog = find('question-dialog');
  if (dialog.open) dialog.close();
  find('question-title').textContent = title;
  find('question-text').textContent = text;
  return new Promise(resolve => {
    /** @type {number | null} */
    let chosen = null;
    const buttons = answers.map((answer, number) => {
      const isSuggested = number === answers.length - 1;
      return makeButton(`mk-button${isSuggested ? ' mk-primary' : ''}`, answer, () => {
        chosen = number;
        dialog.close();
      });
    });
    find('question-answers').replaceChildren(...buttons);
    dialog.onclose = () => resolve(chosen);
    dialog.showModal();
    buttons[buttons.length - 1].focus();
  });
}
