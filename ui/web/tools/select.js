// Selecting the object under the pointer.

/** @import { Tool } from './pointer.js' */

import { toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { state } from '../core/store.js';
import { canvasOf } from '../shared/canvas.js';
import { tr } from '../shared/language.js';
import { masks } from '../viewport/masks.js';
import { objectSprite } from '../viewport/viewport.js';
import { isInFrame } from './geometry.js';

const [, tester] = canvasOf(1, 1); // a context of pixels of the frame

/**
 * Of several masks at this position, the next one below the selected object's.
 * @param {Position} position
 */
async function selectAt([x, y]) {
  const hits = [];
  for (const id of objects.listed.filter(each => objects.isVisible(each)).reverse()) {
    const record = masks.on(state.frame).get(id);
    const sprite = record && (await objectSprite(id, record));
    if (sprite && tester.isPointInPath(sprite.path, x, y, 'evenodd')) hits.push(id);
  }
  if (!hits.length) return toast(tr('There is no mask here to select.'), 'hint');
  objects.select(hits[(hits.indexOf(state.active) + 1) % hits.length]);
}

/**
 * With Ctrl held, a click selects, whatever the tool.
 * @type {Tool}
 */
export const selectTool = {
  down() {},
  move() {},
  up({ far, from }) {
    if (!far && isInFrame(from)) selectAt(from);
  },
  cancel() {},
};
