// What modules of the page expect when they are imported: import this first, then the module with `await import(…)`.

import { mount } from '../../ui/web/core/mount.js';

const element = { querySelector: () => null };
Object.assign(mount, { element, props: { token: '', problem: '', issued: 0, about: '{}' } });
Object.assign(globalThis, {
  window: globalThis,
  location: { origin: 'http://masklet.test' },
  matchMedia: () => ({ matches: false }),
});

/** Sockets in the order in which they were opened; `sent` has the parsed requests. */
export class FakeSocket {
  /** @type {FakeSocket[]} */
  static opened = [];
  static OPEN = 1;
  readyState = FakeSocket.OPEN;
  /** @type {Record<string, any>[]} */
  sent = [];
  onopen = () => {};
  onmessage = (/** @type {{ data: ArrayBuffer }} */ _) => {};
  onclose = (/** @type {{ code: number }} */ _) => {};

  constructor() {
    FakeSocket.opened.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {}

  /** @param {object} event that the server sends */
  receive(event) {
    const header = new TextEncoder().encode(JSON.stringify(event));
    const frame = new Uint8Array(4 + header.length);
    new DataView(frame.buffer).setUint32(0, header.length, true);
    frame.set(header, 4);
    this.onmessage({ data: frame.buffer });
  }
}
Object.assign(globalThis, { WebSocket: FakeSocket });
