// The buttons for undo, redo and clearing.

import { makeMenu } from '../core/menus.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { removeObject } from '../tools/object_actions.js';
import { prompts } from '../tools/prompts.js';
import { isTracked, redo, undo } from '../tracking/history.js';

export function setUpEditButtons() {
  listen(find('undo'), 'click', undo);
  listen(find('redo'), 'click', redo);
  listen(find('clear-frame'), 'click', () => prompts.clearFrame());
  listen(find('clear-object'), 'click', () => removeObject(state.active));
  listen(find('clear-all'), 'click', () => prompts.reset());
  makeMenu(find('clear'), find('clear-menu'));

  on('log frame medium objects tracking', () => {
    const { log, frame, active, tracking } = state;
    find('undo').disabled = !log.canUndo;
    find('redo').disabled = !log.canRedo || (!!tracking && isTracked(log.next));
    find('clear').disabled = !log.prompts.size;
    find('clear-frame').disabled = ![...log.prompts.values()].some(frames => frames.has(frame));
    find('clear-object').disabled = !log.prompts.has(active);
  });
}
