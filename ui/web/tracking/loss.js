// Tracking pauses by itself where an object is lost, unless the user does not want that.

import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, fingersOnly, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { goTo } from '../timeline/navigation.js';

export const pauseOnLoss = {
  wanted: true,

  set(wanted) {
    this.wanted = wanted;
    try {
      localStorage.setItem('masklet-pause', wanted ? 'yes' : 'no');
    } catch {
      /* storage may be forbidden */
    }
    this.show();
  },

  show() {
    find('pausing').setAttribute('aria-pressed', this.wanted);
    find('pausing').title = `Pause where an object is lost: ${this.wanted ? 'on' : 'off'}`;
    find('lost-pause').querySelector('input').checked = this.wanted;
  },
};

// The frame is shown, the object is selected: the next click is about it.
export function showLoss(object, frame) {
  goTo(frame, true);
  if (state.log.prompts.has(object)) objects.select(object);
  const text = `${objects.trait(object).name} was lost at frame ${frame + 1}. ${fingersOnly ? 'Tap' : 'Click'} on it, or go on.`;
  find('lost-text').textContent = text;
  find('lost').hidden = false;
  announce(text);
}

const hideLoss = () => {
  find('lost').hidden = true;
};

export function setUpLoss() {
  try {
    pauseOnLoss.wanted = localStorage.getItem('masklet-pause') !== 'no';
  } catch {
    /* storage may be forbidden */
  }
  pauseOnLoss.show();

  listen(find('pausing'), 'click', () => pauseOnLoss.set(!pauseOnLoss.wanted));
  listen(find('lost-pause').querySelector('input'), 'change', event => pauseOnLoss.set(event.target.checked));
  listen(find('lost-close'), 'click', hideLoss);
  on('medium queued', hideLoss);
  on('tracking', () => {
    if (state.tracking) hideLoss();
  });
}
