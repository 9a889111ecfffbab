// Two ways to exchange messages with the server: a WebSocket, or plain requests where a proxy drops sockets.

import { address } from '../core/page.js';

export const CLOSED_GONE = 4404;
export const CLOSED_TAKEN = 4409;

const MAX_SILENCE = 30000; // the server says at least every ten seconds that it is there

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const message = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let start = 4 + length;
  const found = ['masks', 'preview'].includes(message.t) ? message.objects : [];
  for (const mask of found.flatMap(object => [object, ...(object.candidates ?? [])])) {
    mask.png = new Blob([new Uint8Array(buffer, start, mask.bytes)], { type: 'image/png' });
    start += mask.bytes;
  }
  return message;
}

export class SocketTransport {
  constructor(events) {
    this.socket = new WebSocket(address('ws').replace(/^http/, 'ws'));
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => {
      this.watch(events);
      events.opened();
    };
    this.socket.onmessage = event => {
      this.heardAt = performance.now();
      events.received(unpack(event.data));
    };
    this.socket.onclose = event => {
      clearInterval(this.watching);
      events.closed(event.code);
    };
  }

  // Where a network vanishes, browsers notice only after many minutes.
  watch(events) {
    this.heardAt = performance.now();
    this.watching = setInterval(() => {
      if (performance.now() - this.heardAt < MAX_SILENCE) return;
      this.close();
      events.closed(0);
    }, 1000);
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  close() {
    clearInterval(this.watching);
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

export class RequestTransport {
  constructor(events) {
    this.events = events;
    this.ending = new AbortController();
    this.saying = Promise.resolve();
    this.listen();
  }

  async listen() {
    try {
      for (let first = true; !this.ending.signal.aborted; first = false) {
        const answer = await fetch(address(`receive${first ? '?first=1' : ''}`), { signal: this.ending.signal });
        if (!answer.ok) return this.fail(answer.status);
        if (first) this.events.opened();
        const body = await answer.arrayBuffer();
        for (let start = 0; start < body.byteLength; ) {
          const length = new DataView(body).getUint32(start, true);
          this.events.received(unpack(body.slice(start + 4, start + 4 + length)));
          start += 4 + length;
        }
      }
    } catch {
      if (!this.ending.signal.aborted) this.fail(0);
    }
  }

  send(message) {
    const request = { method: 'POST', body: JSON.stringify(message), signal: this.ending.signal };
    this.saying = this.saying
      .then(() => fetch(address('send'), request))
      .then(answer => {
        if (!answer.ok) this.fail(answer.status);
      })
      .catch(() => this.fail(0));
  }

  fail(status) {
    if (this.ending.signal.aborted) return;
    this.ending.abort();
    this.events.closed({ 404: CLOSED_GONE, 409: CLOSED_TAKEN }[status] ?? 0);
  }

  close() {
    this.ending.abort();
  }
}
