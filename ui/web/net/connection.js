// The line to the server: a WebSocket, or plain requests where a proxy drops sockets. ui/wire.py describes the messages.

import { mount } from '../core/mount.js';
import { state } from '../core/store.js';
import { emit } from '../shared/events.js';
import { CLOSED_GONE, CLOSED_TAKEN, RequestTransport, SocketTransport } from './transports.js';

const MIN_RETRY_DELAY = 250;
const MAX_RETRY_DELAY = 8000; // milliseconds between attempts; all fit into the server's grace time

// Keeps a transport open, and prompts in order: one is on its way, the others wait, and of two about the same object and
// frame only the newer one waits, so that fast clicks never pile up.
class Connection {
  constructor() {
    this.status = 'off'; // off, connecting, on, lost, gone, taken
    this.queue = [];
    this.inFlight = null;
    this.seq = 0;
    this.sockets = { failed: 0, worked: false };
  }

  open() {
    this.close();
    this.wait = MIN_RETRY_DELAY;
    this.connect();
  }

  connect() {
    this.setStatus(this.status === 'lost' ? 'lost' : 'connecting');
    const Transport = this.sockets.failed < 2 || this.sockets.worked ? SocketTransport : RequestTransport;
    const isSocket = Transport === SocketTransport;
    this.transport = new Transport({
      opened: () => {
        if (isSocket) this.sockets.worked = true;
        this.wait = MIN_RETRY_DELAY;
        this.setStatus('on');
      },
      received: message => this.receive(message),
      closed: code => {
        if (isSocket) this.sockets.failed += 1;
        this.lost(code);
      },
    });
  }

  close() {
    clearTimeout(this.retry);
    this.transport?.close();
    this.transport = null;
    this.landed();
  }

  lost(code) {
    this.transport = null;
    if (this.inFlight) {
      const { object, frame } = this.inFlight;
      const outdated = this.queue.some(
        other => other.object === object && (other.frame === frame || other.t === 'remove_object'),
      );
      if (!outdated) this.queue.unshift(this.inFlight);
      this.landed();
    }
    if (code === CLOSED_GONE) return this.setStatus('gone');
    if (code === CLOSED_TAKEN) return this.setStatus('taken');
    this.setStatus('lost');
    this.retry = setTimeout(() => {
      if (!mount.signal.aborted) this.connect();
    }, this.wait);
    this.wait = Math.min(this.wait * 2, MAX_RETRY_DELAY);
  }

  setStatus(status) {
    this.status = status;
    emit('connection', status);
    this.pump();
  }

  receive(message) {
    if (message.t !== 'preview' && message.seq !== undefined && message.seq === this.inFlight?.seq) {
      message.question = this.inFlight;
      this.landed();
    }
    emit(`server-${message.t}`, message);
    this.pump();
  }

  landed() {
    this.inFlight = null;
    emit('in-flight', null);
  }

  // Something that needs no answer, or can be asked again.
  send(message) {
    if (this.status !== 'on') return false;
    this.transport.send(message);
    return true;
  }

  // A prompt or forget: waits for its turn, survives lost connections.
  request(message) {
    const same = other =>
      other.t === 'set_prompt' &&
      other.object === message.object &&
      (message.t === 'remove_object' || other.frame === message.frame);
    const removed = this.queue.findLastIndex(other => other.t === 'remove_object' && other.object === message.object);
    this.queue = this.queue.filter((other, place) => place <= removed || !same(other));
    this.queue.push(message);
    emit('queued', message);
    this.pump();
  }

  clearQueue() {
    this.queue = [];
    this.landed();
  }

  pump() {
    if (this.inFlight || !this.queue.length || this.status !== 'on' || !state.ready || state.reopening) return;
    this.inFlight = this.queue.shift();
    this.inFlight.seq = ++this.seq;
    // These are ours: when the user clicked, and what to say and do later.
    const { since, quietly, title, back, ...message } = this.inFlight;
    this.transport.send(message);
    emit('in-flight', this.inFlight);
  }
}

export const connection = new Connection();
