// The page's header: theme and help.

import { mount } from '../core/mount.js';
import { find, listen } from '../core/page.js';
import { closeWith } from '../shared/dialogs.js';
import { emit } from '../shared/events.js';
import { loadSetting, saveSetting } from '../shared/settings.js';

const THEME = 'masklet-theme';

export function setUpHeader() {
  listen(find('theme'), 'click', () => {
    const dark = document.body.classList.toggle('dark');
    saveSetting(THEME, dark ? 'dark' : 'light');
    emit('theme');
  });
  const chosen = loadSetting(THEME);
  if (chosen && !location.search.includes('__theme')) document.body.classList.toggle('dark', chosen === 'dark');

  listen(find('help'), 'click', () => find('help-dialog').showModal());
  closeWith(find('help-dialog'), find('help-close'), { signal: mount.signal });
}
