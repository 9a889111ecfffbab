// Hatching, so that objects can be told apart without their colors: lines and dots over the fill of a mask. They keep
// still while the mask moves, and are about as wide on the screen whatever the size of the frame.

import { find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { PATTERNS } from './sprites.js';

export const patternOf = id => (state.patterns ? (id - 1) % PATTERNS.length : null);

function setPatterns(wanted) {
  update({ patterns: wanted });
  find('patterns').setAttribute('aria-pressed', wanted);
}

export function setUpPatterns() {
  listen(find('patterns'), 'click', () => {
    setPatterns(!state.patterns);
    try {
      localStorage.setItem('masklet-patterns', state.patterns ? 'on' : '');
    } catch {
      /* storage may be forbidden */
    }
    emit('objects');
  });
  try {
    setPatterns(localStorage.getItem('masklet-patterns') === 'on');
  } catch {
    /* storage may be forbidden */
  }
}
