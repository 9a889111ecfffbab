import { emit } from '../core/events.js';
import { find, listen } from '../core/page.js';

export function setUpHeader() {
  listen(find('theme'), 'click', () => {
    const dark = document.body.classList.toggle('dark');
    try {
      localStorage.setItem('masklet-theme', dark ? 'dark' : 'light');
    } catch {
      /* storage may be forbidden */
    }
    emit('theme');
  });
  try {
    const chosen = localStorage.getItem('masklet-theme');
    if (chosen && !location.search.includes('__theme')) document.body.classList.toggle('dark', chosen === 'dark');
  } catch {
    /* storage may be forbidden */
  }

  listen(find('help'), 'click', () => find('help-dialog').showModal());
  listen(find('help-close'), 'click', () => find('help-dialog').close());
  listen(find('help-dialog'), 'click', event => {
    if (event.target === find('help-dialog')) event.target.close();
  });

  find('logo').src = document.querySelector('#mk-sign').href;
}
