// The start screen and the workspace.

import { emit } from '../shared/events.js';
import { find, root } from './page.js';
import { state } from './store.js';

/** @param {'start' | 'work'} name */
export function setScreen(name) {
  root.dataset.state = name;
  find('back').hidden = !state.medium;
  window.scrollTo(0, 0);
  emit('screen', name);
}

export const isWorking = () => root.dataset.state === 'work';
