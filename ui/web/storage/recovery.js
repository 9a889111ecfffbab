// What happens when the session has expired while the page was open.

import { mount } from '../core/mount.js';
import { showBanner } from '../core/notices.js';
import { listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { on } from '../shared/events.js';
import { currentProject, reopenProject } from './restore.js';

function offerRecovery() {
  showBanner('Your session has expired. Your work is still here.', 'Start again', recover);
}

function recover() {
  update({ reopening: true });
  if (connection.status === 'on') return reopenProject(currentProject());
  showBanner('Starting again…');
  mount.renew();
}

// What was lost with a connection comes back by itself; whoever was sent away for being idle may not want to.
export function recoverOrOffer(sentAway) {
  if (sentAway) return offerRecovery();
  if (!document.hidden) return recover();
  offerRecovery();
  listen(
    document,
    'visibilitychange',
    () => {
      if (connection.status === 'gone' && !state.reopening) recover();
    },
    { once: true },
  );
}

export function setUpRecovery() {
  // The medium did not come: nothing changes, and what the server forgot can be tried again.
  on('open-failed', () => {
    if (state.reopening) offerRecovery();
  });
}
