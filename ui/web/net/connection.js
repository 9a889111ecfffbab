// The connection to the server: a WebSocket, or plain requests where a proxy drops sockets. ui/protocol describes the
// messages.

import { mount } from '../core/mount.js';
import { state } from '../core/store.js';
import { emit } from '../shared/events.js';
import { told } from '../shared/language.js';
import { CLOSED_GONE, CLOSED_TAKEN, RequestTransport, SocketTransport } from './transports.js';

/** @import { ReceivedEvent, Request, Transport } from './transports.js' */

const MIN_RETRY_DELAY = 250; // milliseconds between attempts
const MAX_RETRY_DELAY = 8000; // several attempts fit into the time for which the server keeps the session
const MAX_FAILED_SOCKETS = 2; // before plain requests are tried

/**
 * A prompt is outdated by the next one for its object and frame, and by the removal of its object.
 * @param {QueuedRequest} older
 * @param {QueuedRequest} newer
 */
const isOutdatedBy = (older, newer) =>
  older.t === 'set_prompt' &&
  ((newer.t === 'set_prompt' && newer.object === older.object && newer.frame === older.frame) ||
    (newer.t === 'remove_object' && newer.object === older.object));

/**
 * A message of the server with the sentences in it for the user in their language.
 * @template {ReceivedEvent} Event
 * @param {Event} event
 */
function translated(event) {
  const texts = /** @type {Record<string, unknown>} */ (event);
  for (const name of ['text', 'message', 'problem', 'error'])
    if (typeof texts[name] === 'string') texts[name] = told(texts[name]);
  if (event.t === 'opened')
    Object.assign(event, {
      warnings: event.warnings.map(told),
      skipped: event.skipped.map(({ name, reason }) => ({ name, reason: told(reason) })),
    });
  return event;
}

/**
 * Keeps a transport open, and edits in order: one is in flight, the others wait in the send queue. Of two prompts for the
 * same object and frame only the newer one waits, so that fast clicks never pile up.
 */
class Connection {
  /** @type {ConnectionStatus} */
  status = 'off';
  /** @type {QueuedRequest[]} */
  queue = [];
  /** @type {QueuedRequest | null} */
  inFlight = null;
  /** @type {Transport | null} */
  #transport = null;
  /** Of the last request. Begins anywhere, as the answer to a page before it was reloaded may still come to this one. */
  #seq = Math.floor(Math.random() * 2 ** 30);
  #failedSockets = 0;
  #socketWorked = false;
  #retryDelay = MIN_RETRY_DELAY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;

  open() {
    this.close();
    this.#retryDelay = MIN_RETRY_DELAY;
    this.#connect();
  }

  #connect() {
    this.#setStatus(this.status === 'lost' ? 'lost' : 'connecting');
    const useSocket = this.#socketWorked || this.#failedSockets < MAX_FAILED_SOCKETS;
    this.#transport = new (useSocket ? SocketTransport : RequestTransport)({
      opened: () => {
        if (useSocket) this.#socketWorked = true;
        this.#retryDelay = MIN_RETRY_DELAY;
        this.#setStatus('on');
      },
      received: event => this.#receive(event),
      closed: code => {
        if (useSocket) this.#failedSockets += 1;
        this.#closed(code);
      },
    });
  }

  close() {
    clearTimeout(this.#retryTimer);
    this.#transport?.close();
    this.#transport = null;
    this.#setInFlight(null);
  }

  /**
   * The request in flight may not have arrived, so it is the first to be sent again.
   * @param {number} code
   */
  #closed(code) {
    const request = this.inFlight;
    this.#transport = null;
    if (request && !this.queue.some(newer => isOutdatedBy(request, newer))) this.queue.unshift(request);
    this.#setInFlight(null);
    if (code === CLOSED_GONE) return this.#setStatus('gone');
    if (code === CLOSED_TAKEN) return this.#setStatus('taken');
    this.#setStatus('lost');
    this.#retryTimer = setTimeout(() => {
      if (!mount.signal.aborted) this.#connect();
    }, this.#retryDelay);
    this.#retryDelay = Math.min(this.#retryDelay * 2, MAX_RETRY_DELAY);
  }

  /** @param {ConnectionStatus} status */
  #setStatus(status) {
    this.status = status;
    emit('connection', status);
    this.pump();
  }

  /** @param {ReceivedEvent} event */
  #receive(event) {
    if ('seq' in event && event.t !== 'preview' && event.seq === this.inFlight?.seq) {
      Object.assign(event, { question: this.inFlight });
      this.#setInFlight(null);
    }
    emit(`server-${event.t}`, translated(event));
    this.pump();
  }

  /** @param {QueuedRequest | null} request */
  #setInFlight(request) {
    this.inFlight = request;
    emit('in-flight', request);
  }

  /**
   * Sends what needs no answer, or can be sent again by the user; false while there is no connection.
   * @param {Request} request
   */
  send(request) {
    if (this.status !== 'on') return false;
    this.#transport?.send(request);
    return true;
  }

  /**
   * Queues an edit, which survives lost connections.
   * @param {QueuedRequest} request
   */
  request(request) {
    this.queue = [...this.queue.filter(older => !isOutdatedBy(older, request)), request];
    emit('queued', request);
    this.pump();
  }

  /** Requests that the server has not answered yet. */
  get pending() {
    return this.inFlight ? [this.inFlight, ...this.queue] : this.queue;
  }

  /** Whether the server is yet to put the edit log in place of what it has. */
  get isReplaying() {
    return this.pending.some(request => request.t === 'edit_log' && !request.more);
  }

  /**
   * Takes a request out of the queue; false where it is not there any more.
   * @param {QueuedRequest} request
   */
  withdraw(request) {
    const { length } = this.queue;
    this.queue = this.queue.filter(other => other !== request);
    return this.queue.length < length;
  }

  clearQueue() {
    this.queue = [];
    this.#setInFlight(null);
  }

  /** Sends the next request of the queue, if it is its turn. */
  pump() {
    if (this.inFlight || this.status !== 'on' || !state.ready || state.reopening) return;
    const request = this.queue.shift();
    if (!request) return;
    const seq = ++this.#seq;
    request.seq = seq;
    // The server does not need what the page remembers with a request.
    const { since, quiet, title, onCancel, ...message } = request;
    this.#transport?.send({ ...message, seq });
    this.#setInFlight(request);
  }
}

export const connection = new Connection();
