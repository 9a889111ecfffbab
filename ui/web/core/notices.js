// Messages to the user: toasts, tips, the banner, progress over the whole page, and announcements to screen readers.

import { iconButton, make, setProgress, showName, showText } from '../shared/elements.js';
import { tr } from '../shared/language.js';
import { find } from './page.js';

export const NO_CONNECTION = tr('There is no connection right now. Try again in a moment.');

/**
 * A message that goes away by itself; the same one twice is shown once.
 * @param {string} text
 * @param {'error' | 'hint'} [kind]
 */
export function toast(text, kind = 'error') {
  const shown = find('toasts');
  for (const other of [...shown.children]) if (other.firstElementChild?.textContent === text) other.remove();
  const card = make('div', `mk-toast mk-toast-${kind}`);
  card.append(make('span', '', text));
  const close = iconButton('close', tr('Dismiss'));
  close.onclick = () => card.remove();
  card.append(close);
  shown.append(card);
  while (shown.children.length > 3) shown.firstElementChild?.remove();
  setTimeout(() => card.remove(), kind === 'error' ? 4000 + 60 * text.length : Math.max(3500, 80 * text.length));
}

/** @param {string} text for screen readers */
export function announce(text) {
  find('live').textContent = text;
}

/**
 * @param {string} text '' hides the banner
 * @param {string} [action] title of its button
 * @param {() => void} [act]
 */
export function showBanner(text, action = '', act = () => {}) {
  find('banner').hidden = !text;
  find('banner-text').textContent = text;
  const button = find('banner-act');
  showText(button, action);
  button.onclick = act;
}

/**
 * Covers the page while a job runs that blocks everything else.
 * @param {string} title '' hides it
 * @param {number | null} [fraction] null: unknown
 * @param {string} [text]
 * @param {(() => void) | null} [cancel]
 */
export function showProgress(title, fraction = null, text = '', cancel = null) {
  find('progress-overlay').hidden = !title;
  if (!title) return;
  showName(find('progress-title'), title);
  find('progress-text').textContent = text;
  find('progress-cancel').hidden = !cancel;
  find('progress-cancel').onclick = cancel;
  setProgress(find('progress', find('progress-overlay')), fraction);
}

let tipTimer = 0;
/** @param {string} text '' hides the tip */
export function showTip(text) {
  clearTimeout(tipTimer);
  showText(find('tip'), text);
  if (text) tipTimer = window.setTimeout(() => showTip(''), 9000);
}
