// Whether a click adds to a mask or takes away.

import { find } from '../core/page.js';
import { update } from '../core/store.js';
import { overlayCanvas } from '../viewport/viewport.js';

export function setAdding(adding) {
  update({ adding });
  find('tool-add').setAttribute('aria-checked', adding);
  find('tool-remove').setAttribute('aria-checked', !adding);
  showSign(!adding);
}

export const showSign = negative => {
  overlayCanvas.classList.toggle('mk-takes-away', negative);
  find('brush').classList.toggle('mk-takes-away', negative);
};
