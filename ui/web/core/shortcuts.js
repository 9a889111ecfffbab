// Keyboard shortcuts: key -> action. Modules add theirs when they are set up.

export const isTyping = target =>
  target.closest('input:not([type=range], [type=checkbox], [type=color]), textarea, select, dialog') ||
  target.isContentEditable;

export const shortcuts = {};
