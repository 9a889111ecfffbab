// Whether a click adds to a mask or takes away.

import { find } from '../core/page.js';
import { update } from '../core/store.js';
import { overlayCanvas } from '../viewport/viewport.js';

/** @param {boolean} adding */
export function setAdding(adding) {
  update({ adding });
  find('tool-add').setAttribute('aria-checked', String(adding));
  find('tool-remove').setAttribute('aria-checked', String(!adding));
  showSign(!adding);
}

/** @param {boolean} negative */
export const showSign = negative => {
  overlayCanvas.classList.toggle('mk-negative', negative);
  find('brush').classList.toggle('mk-negative', negative);
};
