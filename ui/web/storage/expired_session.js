// What happens when the session has expired while the page was open.

import { mount } from '../core/mount.js';
import { showBanner } from '../core/notices.js';
import { listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { currentProject, reopenProject } from './project_restore.js';

function offerRecovery() {
  showBanner(tr('Your session has expired. Your work is still here.'), tr('Start again'), recover);
}

function recover() {
  update({ reopening: true });
  if (connection.status === 'on') return reopenProject(currentProject());
  showBanner(tr('Starting again…'));
  mount.renew();
}

/**
 * Recovers by itself, as soon as the page is visible, where the session was lost with the connection.
 * @param {boolean} wasIdle the server has closed the session of a user who was away: they are asked
 */
export function recoverOrOffer(wasIdle) {
  if (!wasIdle && !document.hidden) return recover();
  offerRecovery();
  if (wasIdle) return;
  const recoverOnce = () => {
    if (connection.status === 'gone' && !state.reopening) recover();
  };
  listen(document, 'visibilitychange', recoverOnce, { once: true });
}

export function setUpRecovery() {
  // The medium could not be opened again, which can be tried again.
  on('open-failed', () => {
    if (state.reopening) offerRecovery();
  });
}
