// Words to the user: toasts, tips, the banner, progress over the whole page, and announcements to screen readers.

import { iconButton, make, setProgress } from '../shared/elements.js';
import { find } from './page.js';

// A toast says what went wrong and stays long enough to be read; the same one twice is shown once.
export function toast(text, kind = 'error') {
  const shown = find('toasts');
  for (const other of shown.children) if (other.dataset.text === text) other.remove();
  const card = make('div', `mk-toast mk-toast-${kind}`);
  card.dataset.text = text;
  card.append(make('span', '', text));
  const close = iconButton('close', 'Dismiss');
  close.onclick = () => card.remove();
  card.append(close);
  shown.append(card);
  while (shown.children.length > 3) shown.firstElementChild.remove();
  setTimeout(() => card.remove(), kind === 'error' ? 4000 + 60 * text.length : 3500);
}

// For those who hear the page instead of seeing it.
export function announce(text) {
  find('live').textContent = text;
}

export function showBanner(text, action = '', act = null) {
  find('banner').hidden = !text;
  find('banner-text').textContent = text;
  const button = find('banner-act');
  button.hidden = !action;
  button.textContent = action;
  button.onclick = act;
}

// A veil over the page while something long happens that nothing else can happen beside.
export function showProgress(title, fraction, text, cancel) {
  find('veil').hidden = !title;
  if (!title) return;
  find('veil-title').textContent = title;
  find('veil-text').textContent = text;
  find('veil-cancel').hidden = !cancel;
  find('veil-cancel').onclick = cancel;
  setProgress(find('progress', find('veil')), fraction);
}

let tipTimer = 0;
export function showTip(text) {
  clearTimeout(tipTimer);
  find('tip').textContent = text;
  find('tip').hidden = !text;
  if (text) tipTimer = setTimeout(() => showTip(''), 9000);
}
