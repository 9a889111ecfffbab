// What a tool does, in a sentence beside the picture.

import { state } from '../core/store.js';
import { tr } from '../shared/language.js';

/** @type {Record<string, { first: string; next: string }>} */
const HINTS = {
  point: {
    first: tr('Click on a thing to select it. Drag to draw a box around it.'),
    next: tr('Click on the next thing.'),
  },
  scribble: { first: tr('Draw a line over the thing.'), next: tr('Draw a line over the next thing.') },
  lasso: { first: tr('Draw a line around the thing.'), next: tr('Draw a line around the next thing.') },
  paint: { first: tr('Paint over the thing, pixel by pixel.'), next: tr('Paint over the next thing.') },
  outline: {
    first: tr('Drag the points of the outline. Click on the line to add one, double-click to remove one.'),
    next: tr('Choose another tool for the next thing.'),
  },
  automatic: { first: '', next: tr('Click on the next outline.') },
};

/** How to begin with the tool that is active. */
export const firstHint = () => HINTS[state.tool].first;
/** How to go on with another object. */
export const nextHint = () => HINTS[state.tool].next;
