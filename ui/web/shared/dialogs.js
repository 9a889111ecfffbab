/**
 * A dialog closes by its button and by a click beside it.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} button
 * @param {AddEventListenerOptions} [options]
 */
export function closeWith(dialog, button, options) {
  button.addEventListener('click', () => dialog.close(), options);
  dialog.addEventListener('click', event => event.target === dialog && dialog.close(), options);
}
