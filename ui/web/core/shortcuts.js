// Keyboard shortcuts: key -> action. Modules add theirs when they are set up.

/** @param {HTMLElement} target */
export const isTyping = target =>
  target.closest('input:not([type=range], [type=checkbox], [type=radio], [type=color]), textarea, select, dialog') ||
  target.isContentEditable;

/** @type {Record<string, (event: KeyboardEvent) => void>} */
export const shortcuts = {};
