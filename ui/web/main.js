// Where Gradio's component begins: see ui/web_files.py. The other modules look their elements up when they are imported,
// so they come after `attach`.

import { loadLanguage } from './core/language.js';
import { attach } from './core/mount.js';
import { translatePart } from './core/page_texts.js';

/** Gradio puts its style sheets behind ours, where they win; so ours, which the browser has, comes once more at the end. */
async function repeatStyles() {
  const styles = /** @type {HTMLLinkElement} */ (document.querySelector('#mk-styles'));
  const again = /** @type {HTMLLinkElement} */ (styles.cloneNode());
  again.removeAttribute('id');
  const loaded = new Promise(resolve => {
    again.onload = again.onerror = resolve;
  });
  document.head.append(again);
  await loaded;
}

/** @param {GradioComponent} component */
export async function start(component) {
  await Promise.all([repeatStyles(), loadLanguage(component.element)]);
  attach(component);
  translatePart(component.element);
  const { setUpPage } = await import('./set_up.js');
  setUpPage();
  document.querySelector('.mk-still')?.remove(); // which the server put before the page (see ui/document.py)
}
