// What to do where a visitor's time on a GPU of Hugging Face is used up: go on with the network on the CPU.

import { showBanner } from '../core/notices.js';
import { about } from '../core/page.js';
import { on } from '../shared/events.js';
import { told, tr } from '../shared/language.js';
import { changeModel } from './models.js';

let isShown = false;

function hide() {
  if (isShown) showBanner('');
  isShown = false;
}

export function setUpQuota() {
  const lent = about.lent_gpus;
  on('server-error', ({ quota, text }) => {
    if (!quota || !lent) return;
    isShown = true;
    showBanner(told(text), tr('Go on without a GPU'), () => {
      hide();
      changeModel(lent.instead);
    });
  });
  on('server-masks', ({ question }) => {
    if (question) hide(); // there is a GPU again
  });
}
