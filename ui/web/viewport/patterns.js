// Hatching, for telling objects apart without their colors: lines and dots over the fill of a mask. They stay in place while
// the mask moves, and are about as wide on the screen whatever the size of the frame.

import { state } from '../core/store.js';
import { PATTERNS } from './sprites.js';

/**
 * The object's index into PATTERNS.
 * @param {number} id
 */
export const patternOf = id => (state.patterns ? (id - 1) % PATTERNS.length : null);
