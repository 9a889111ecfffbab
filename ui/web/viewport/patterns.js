// Hatching, for telling objects apart without their colors: lines and dots over the fill of a mask. They stay in place while
// the mask moves, and are about as wide on the screen whatever the size of the frame.

import { find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { PATTERNS } from './sprites.js';

/**
 * The object's index into PATTERNS.
 * @param {number} id
 */
export const patternOf = id => (state.patterns ? (id - 1) % PATTERNS.length : null);

/** @param {boolean} patterns */
function setPatterns(patterns) {
  update({ patterns });
  find('patterns').setAttribute('aria-pressed', String(patterns));
}

export function setUpPatterns() {
  listen(find('patterns'), 'click', () => {
    setPatterns(!state.patterns);
    saveSetting('masklet-patterns', state.patterns ? 'on' : '');
    emit('objects');
  });
  setPatterns(loadSetting('masklet-patterns') === 'on');
}
