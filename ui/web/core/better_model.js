// What the page says about a better network that the server fetches in the background, and when.

import { sentences, tr } from '../shared/language.js';

/** @import { BetterModelEvent } from '../protocol.js' */

/** @typedef {{ text: string, action: string }} Offer `action` is the title of the button, '' where there is nothing to do */

/**
 * Offers a better network once it is ready, and once more, or before that, when a mask looks poor. Whoever wants it
 * before it is there changes to it as soon as it is.
 */
export class BetterOffer {
  /** @type {BetterModelEvent | null} what the server said last */
  status = null;
  isWanted = false;
  #looksPoor = false;
  #poorTold = false;
  #readyClosed = false;
  #poorClosed = false;

  /**
   * @param {BetterModelEvent} event
   * @returns {boolean} whether to change to it now
   */
  take(event) {
    this.status = event;
    if (event.state !== 'ready' || !this.isWanted) return false;
    this.isWanted = false;
    return true;
  }

  /**
   * A mask has arrived; only the first poor one makes a difference.
   * @param {boolean} isPoor
   * @param {boolean} isAnswer to a click: a good one takes back what was said about an earlier mask
   */
  see(isPoor, isAnswer) {
    if (isPoor && !this.#poorTold) {
      this.#looksPoor = this.#poorTold = true;
    } else if (!isPoor && isAnswer) this.#looksPoor = false;
  }

  /**
   * The user wants it.
   * @returns {'change' | 'retry' | 'wait'} what follows
   */
  accept() {
    if (this.status?.state === 'ready') {
      this.close(); // the change is shown as every change is
      return 'change';
    }
    this.isWanted = true;
    return this.status?.state === 'failed' ? 'retry' : 'wait';
  }

  /** The user does not want to see this offer any more. */
  close() {
    this.isWanted = false;
    if (this.status?.state === 'ready') this.#readyClosed = true;
    if (this.#looksPoor) this.#poorClosed = true;
  }

  /**
   * @param {string} inUse name of the network in use
   * @returns {Offer | null} what to show
   */
  shown(inUse) {
    const { status } = this;
    if (!status || inUse !== status.replaces) return null;
    const { state, title } = status;
    if (this.isWanted)
      return state === 'failed'
        ? { text: tr('{title} could not be downloaded.', { title }), action: tr('Try again') }
        : { text: tr('{title} is used as soon as it is here.', { title }), action: '' };
    const isPoor = this.#looksPoor && !this.#poorClosed;
    const poor = isPoor ? tr('This mask looks poor.') : '';
    if (state === 'ready' && (isPoor || !this.#readyClosed))
      return { text: sentences(poor, tr('Better masks are ready.')), action: tr('Use {title}', { title }) };
    if (!isPoor || state === 'failed') return null; // the list of models says what has failed
    return {
      text: sentences(poor, tr('{title}, which makes better ones, is on its way.', { title })),
      action: tr('Use it then'),
    };
  }
}
