// The choice of the page's language, which loads the page anew, with the work as it is. It stands in the header and, on a
// phone that has no room for it there while one works, under “View”.

import { LANGUAGE_SETTING } from '../core/language.js';
import { listen, root } from '../core/page.js';
import { LANGUAGES, language } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { allWritten, flushSave } from '../storage/autosave.js';

/** @param {string} name */
async function choose(name) {
  saveSetting(LANGUAGE_SETTING, name);
  flushSave();
  await allWritten();
  const address = new URL(location.href);
  if (loadSetting(LANGUAGE_SETTING) !== name) {
    address.searchParams.set('lang', name); // nothing can be kept in this browser
    return location.replace(address);
  }
  if (!address.searchParams.has('lang')) return location.reload();
  address.searchParams.delete('lang'); // which would go before the setting
  location.replace(address);
}

export function setUpLanguage() {
  /** @type {NodeListOf<HTMLSelectElement>} */
  const pickers = root.querySelectorAll('.mk-language');
  for (const picker of pickers) {
    for (const [name, title] of Object.entries(LANGUAGES)) {
      const option = new Option(title, name, false, name === language());
      option.lang = name;
      picker.add(option);
    }
    listen(picker, 'change', () => choose(picker.value));
  }
}
