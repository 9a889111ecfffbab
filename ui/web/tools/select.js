// Selecting the object under the pointer.

import { toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { state } from '../core/store.js';
import { masks } from '../viewport/masks.js';
import { objectSprite } from '../viewport/viewport.js';
import { isInFrame } from './geometry.js';

// The object whose mask lies at this place of the frame; where several do, the next one below the selected one.
async function selectAt([x, y]) {
  const there = [];
  for (const id of objects.listed.filter(each => objects.isVisible(each)).reverse()) {
    const record = masks.on(state.frame).get(id);
    const sprite = record && (await objectSprite(id, record));
    if (sprite?.ink.getImageData(x - sprite.x, y - sprite.y, 1, 1).data[3]) there.push(id);
  }
  if (!there.length) return toast('There is no mask here to select.', 'hint');
  objects.select(there[(there.indexOf(state.active) + 1) % there.length]);
}

// With Ctrl held, a click selects, whatever the tool.
export const selectTool = {
  down() {},
  move() {},
  up({ far, from }) {
    if (!far && isInFrame(from)) selectAt(from);
  },
  cancel() {},
};
