// What the download dialog puts on the clipboard: the cut-out of the current frame, and a link to an example.

/** @import { ExportObject } from '../protocol.js' */

import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { Refused } from '../net/refusal.js';
import { dimensions } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { effectQuery, fetchPainted } from '../viewport/effect_previews.js';
import { effectsOf } from './download_tasks.js';

const REFUSED = tr('The browser did not let this page copy. Allow it the clipboard, or download the PNG instead.');
const MISSING = tr('Pages can copy pictures only over HTTPS, and not in every browser. Download the PNG instead.');
const FAILED = tr('The picture could not be painted. Check the connection.');

/**
 * Copies the cut-out as a PNG; returns what to say about it. Raises an error with a sentence for the user.
 * @param {ExportObject[]} objects
 */
export async function copyCutout(objects) {
  if (!navigator.clipboard?.write || !window.ClipboardItem) throw new Error(MISSING);
  const effects = effectsOf('cutout');
  const path = `presets/${state.frame}?${effectQuery(effects, objects)}&side=${about.max_preview}`;
  // Browsers want the copying to begin with the click: the clipboard waits for the picture, not the other way round.
  const painting = fetchPainted(path, effects);
  /** @type {unknown} */
  let failure = null;
  const isPainted = painting.catch(error => {
    failure = error;
  });
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': painting })]);
  } catch {
    await isPainted;
    if (failure) throw new Error(failure instanceof Refused ? failure.message : FAILED);
    throw new Error(REFUSED);
  }
  const picture = await createImageBitmap(await painting);
  return tr('Copied: {size} pixels, see-through', { size: dimensions(picture) });
}

/**
 * Returns what to say: the link itself, where it could not be copied.
 * @param {string} link
 */
export async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link);
    return tr('The link is copied. It opens this example, without your masks.');
  } catch {
    return link;
  }
}
