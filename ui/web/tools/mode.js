// Whether a click adds to a mask or takes away.

import { find } from '../core/page.js';
import { markChosen } from '../core/roving.js';
import { update } from '../core/store.js';
import { overlayCanvas } from '../viewport/viewport.js';

/** @param {boolean} adding */
export function setAdding(adding) {
  update({ adding });
  markChosen([find('tool-add'), find('tool-remove')], button => button === find(adding ? 'tool-add' : 'tool-remove'));
  showSign(!adding);
}

/** @param {boolean} negative */
export const showSign = negative => {
  overlayCanvas.classList.toggle('mk-negative', negative);
  find('brush').classList.toggle('mk-negative', negative);
};
