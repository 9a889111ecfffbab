// The page's header: theme, help and logo.

import { mount } from '../core/mount.js';
import { find, listen } from '../core/page.js';
import { closeWith } from '../shared/dialogs.js';
import { emit } from '../shared/events.js';

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
  closeWith(find('help-dialog'), find('help-close'), { signal: mount.signal });

  find('logo').src = document.querySelector('#mk-sign').href;
}
