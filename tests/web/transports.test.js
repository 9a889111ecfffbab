// Plain requests in place of a socket.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { FakeSocket } from './fake_page.js';

const { RequestTransport, SocketTransport } = await import('../../ui/web/net/transports.js');

/** @param {number} status of what is answered to a request that is sent */
async function send(status) {
  const received = mock.fn();
  const closed = mock.fn();
  const answers = mock.method(globalThis, 'fetch', (/** @type {string} */ url) =>
    url.endsWith('/send') ? Promise.resolve(new Response('<html></html>', { status })) : new Promise(() => {}),
  );
  const transport = new RequestTransport({ opened: () => {}, received, closed });
  transport.send({ t: 'edit_log', entries: [{ forget: 2 }], seq: 3 });
  await new Promise(resolve => setTimeout(resolve, 10));
  transport.close();
  answers.mock.restore();
  return {
    received: received.mock.calls.map(call => call.arguments[0]),
    closed: closed.mock.calls.map(call => call.arguments[0]),
  };
}

test('a request that a proxy finds too large is answered by an error, and the connection stays', async () => {
  const { received, closed } = await send(413);
  assert.deepEqual(closed, []);
  const [{ text, ...event }] = received;
  assert.deepEqual(event, { t: 'error', seq: 3, job: 'replay' });
  assert.match(text, /^A proxy before Masklet/);
});

test('the connection is lost where the server cannot be reached', async () => {
  assert.deepEqual(await send(502), { received: [], closed: [0] });
  assert.deepEqual(await send(404), { received: [], closed: [4404] });
});

test('nothing is sent into a socket that is closing', () => {
  const transport = new SocketTransport({ opened: () => {}, received: () => {}, closed: () => {} });
  const socket = /** @type {FakeSocket} */ (FakeSocket.opened.at(-1));
  transport.send({ t: 'cancel', job: 'replay' });
  socket.readyState = 2;
  transport.send({ t: 'cancel', job: 'export' });
  assert.deepEqual(socket.sent, [{ t: 'cancel', job: 'replay' }]);
});
