// Two ways to exchange messages with the server: a WebSocket, or plain requests where a proxy drops sockets.

import { address, pageId } from '../core/page.js';
import { refusalOf, TOO_LARGE } from './refusal.js';

/** @import { AutomaticMasksEvent, Event as ServerEvent, LiveMasksEvent, LiveRequest, MasksEvent } from '../protocol.js' */
/** @import { PreviewEvent, Request as PageRequest } from '../protocol.js' */
/**
 * @typedef {PageRequest | LiveRequest} Request
 * @typedef {Exclude<ServerEvent, MasksEvent | PreviewEvent | LiveMasksEvent | AutomaticMasksEvent>} PlainEvent
 * @typedef {PlainEvent | MasksMessage | PreviewMessage | LiveMasksMessage | AutomaticMasksMessage} ReceivedEvent
 * @typedef {{ opened: () => void; received: (event: ReceivedEvent) => void; closed: (code: number) => void }} Callbacks
 * @typedef {{ send: (request: Request) => void; close: () => void }} Transport `close` comes without a callback
 */

/** The server does not know the token any more. */
export const CLOSED_GONE = 4404;
/** Another tab has connected with the token. */
export const CLOSED_TAKEN = 4409;

const MAX_SILENCE = 30000; // milliseconds; the server sends a heartbeat at least every ten seconds

/**
 * A binary frame: the length of the header, the event as JSON, then PNGs in the order of the masks.
 * @param {ArrayBuffer} buffer
 * @returns {ReceivedEvent}
 */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const event = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let start = 4 + length;
  /** @type {MaskRecord[]} */
  const objects = ['masks', 'preview', 'live_masks'].includes(event.t) ? event.objects : [];
  /** @type {AutomaticMask[]} */
  const automatic = event.t === 'automatic_masks' ? event.masks : [];
  for (const mask of [...objects.flatMap(object => [object, ...(object.candidates ?? [])]), ...automatic]) {
    mask.png = new Blob([new Uint8Array(buffer, start, mask.bytes)], { type: 'image/png' });
    start += mask.bytes;
  }
  return event;
}

/** @implements {Transport} */
export class SocketTransport {
  #receivedAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #heartbeatTimer;

  /** @param {Callbacks} callbacks */
  constructor(callbacks) {
    this.socket = new WebSocket(address(`ws?page=${pageId}`).replace(/^http/, 'ws'));
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => {
      this.#watchHeartbeat(callbacks);
      callbacks.opened();
    };
    this.socket.onmessage = ({ data }) => {
      this.#receivedAt = performance.now();
      callbacks.received(unpack(data));
    };
    this.socket.onclose = ({ code }) => {
      clearInterval(this.#heartbeatTimer);
      callbacks.closed(code);
    };
  }

  /**
   * Browsers notice only after many minutes that a network has vanished.
   * @param {Callbacks} callbacks
   */
  #watchHeartbeat(callbacks) {
    this.#receivedAt = performance.now();
    this.#heartbeatTimer = setInterval(() => {
      if (performance.now() - this.#receivedAt < MAX_SILENCE) return;
      this.close();
      callbacks.closed(0);
    }, 1000);
  }

  /** @param {Request} request */
  send(request) {
    // A socket that is closing says so a moment later, and what was in flight is sent again.
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  close() {
    clearInterval(this.#heartbeatTimer);
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

/**
 * What the page gets in place of the answer to a request that was refused on its way, by the server or a proxy.
 * @param {Request} request
 * @param {Response} response
 * @returns {Promise<ReceivedEvent>}
 */
async function refusalEvent(request, response) {
  const { message } = await refusalOf(response, JSON.stringify(request).length);
  const seq = 'seq' in request ? request.seq : undefined;
  return { t: 'error', text: message, seq, ...(request.t === 'edit_log' ? { job: 'replay' } : {}) };
}

/** @implements {Transport} */
export class RequestTransport {
  #ending = new AbortController();
  #sending = Promise.resolve();

  /** @param {Callbacks} callbacks */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.#receive();
  }

  /** Long polling: each response holds the events since the last one, each after its length. */
  async #receive() {
    const { signal } = this.#ending;
    try {
      for (let first = true; !signal.aborted; first = false) {
        const response = await fetch(address(first ? `receive?first=1&page=${pageId}` : 'receive'), { signal });
        if (!response.ok) return this.#fail(response.status);
        if (first) this.callbacks.opened();
        const body = await response.arrayBuffer();
        for (let start = 0; start < body.byteLength; ) {
          const length = new DataView(body).getUint32(start, true);
          this.callbacks.received(unpack(body.slice(start + 4, start + 4 + length)));
          start += 4 + length;
        }
      }
    } catch {
      this.#fail(0);
    }
  }

  /** @param {Request} request */
  send(request) {
    const options = { method: 'POST', body: JSON.stringify(request), signal: this.#ending.signal };
    this.#sending = this.#sending
      .then(() => fetch(address('send'), options))
      .then(async response => {
        // Sent again it would be refused again, and nothing else would ever get its turn.
        if (response.status === TOO_LARGE) this.callbacks.received(await refusalEvent(request, response));
        else if (!response.ok) this.#fail(response.status);
      })
      .catch(() => this.#fail(0));
  }

  /** @param {number} status */
  #fail(status) {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.callbacks.closed(status === 404 ? CLOSED_GONE : status === 409 ? CLOSED_TAKEN : 0);
  }

  close() {
    this.#ending.abort();
  }
}
