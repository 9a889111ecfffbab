// What a tool does, in a sentence beside the picture.

import { fingersOnly } from '../core/page.js';
import { state } from '../core/store.js';

const press = fingersOnly ? 'Tap' : 'Click';

/** @type {Record<string, { first: string; next: string }>} */
const HINTS = {
  point: {
    first: `${press} on a thing to select it. Drag to draw a box around it.`,
    next: `${press} on the next thing.`,
  },
  scribble: { first: 'Draw a line over the thing.', next: 'Draw a line over the next thing.' },
  lasso: { first: 'Draw a line around the thing.', next: 'Draw a line around the next thing.' },
  paint: { first: 'Paint over the thing, pixel by pixel.', next: 'Paint over the next thing.' },
  outline: {
    first: 'Drag the points of the outline. Click on the line to add one, double-click to remove one.',
    next: 'Choose another tool for the next thing.',
  },
  automatic: { first: '', next: `${press} on the next outline.` },
};

/** How to begin with the tool that is active. */
export const firstHint = () => HINTS[state.tool].first;
/** How to go on with another object. */
export const nextHint = () => HINTS[state.tool].next;
