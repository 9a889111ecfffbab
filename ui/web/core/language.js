// Which language the page is shown in. A script in the document has chosen it, and begun to fetch its table, long before
// the modules are there (see ui/document.py).

import { direction, language, setLanguage } from '../shared/language.js';

/** @import { Language } from '../shared/language.js' */

export const LANGUAGE_SETTING = 'masklet-language';
const PATIENCE = 4000; // milliseconds until the page is shown in English rather than not at all

/**
 * The table must be there before modules that hold texts are imported.
 * @param {Element} element that Gradio gives to the page, in others that have a direction of their own
 */
export async function loadLanguage(element) {
  const { name = 'en', table = null } = window.masklet_language ?? {};
  const late = new Promise(resolve => setTimeout(resolve, PATIENCE, null));
  const isTouch = matchMedia('(hover: none) and (pointer: coarse)').matches;
  setLanguage(/** @type {Language} */ (name), await Promise.race([table, late]), isTouch);
  for (const each of [document.documentElement, element]) Object.assign(each, { lang: language(), dir: direction() });
}
