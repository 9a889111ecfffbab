// The choice of the page's language, which loads the page anew, with the work as it is.

import { LANGUAGE_SETTING } from '../core/language.js';
import { find, listen } from '../core/page.js';
import { LANGUAGES, language } from '../shared/language.js';
import { saveSetting } from '../shared/settings.js';
import { allWritten, flushSave } from '../storage/autosave.js';

async function choose() {
  saveSetting(LANGUAGE_SETTING, find('language').value);
  const address = new URL(location.href);
  address.searchParams.delete('lang'); // which would go before the setting
  history.replaceState(history.state, '', address);
  flushSave();
  await allWritten();
  location.reload();
}

export function setUpLanguage() {
  const picker = find('language');
  for (const [name, title] of Object.entries(LANGUAGES)) {
    const option = new Option(title, name, false, name === language());
    option.lang = name;
    picker.add(option);
  }
  listen(picker, 'change', choose);
}
