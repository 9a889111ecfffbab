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
    const said = state.log.prompts;
    find('undo').disabled = !state.log.canUndo;
    find('redo').disabled = !state.log.canRedo || (!!state.tracking && isTracked(state.log.next));
    find('clear').disabled = !said.size;
    find('clear-frame').disabled = ![...said.values()].some(frames => frames.has(state.frame));
    find('clear-object').disabled = !said.has(state.active);
  });
}
