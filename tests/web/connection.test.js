// The send queue: what waits, what is sent again after a lost connection, and what is outdated by then.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { update } from '../../ui/web/core/store.js';
import { FakeSocket } from './fake_page.js';

const { connection } = await import('../../ui/web/net/connection.js');

/** @typedef {import('../../ui/web/protocol.js').PromptData} Prompt */

/** @returns {QueuedRequest} */
const click = (frame = 0, object = 1, x = 1) => ({
  t: 'set_prompt',
  frame,
  object,
  prompt: { points: [[x, x, 1]] },
});
/** @type {QueuedRequest} */
const untrack = { t: 'untrack', frames: [1, 5], objects: [1] };
/** @type {QueuedRequest} */
const editLog = { t: 'edit_log', entries: [{ forget: 2 }], more: true };
/** @type {QueuedRequest} */
const removal = { t: 'remove_object', object: 1 };
const request = (/** @type {QueuedRequest} */ plain) => connection.request({ ...plain }); // which numbers its own

/** @returns {FakeSocket} the newest */
const socket = () => FakeSocket.opened[FakeSocket.opened.length - 1];

/** Without their numbers. */
const sent = () => socket().sent.map(({ seq, ...request }) => request);

/** Answers the request in flight. */
const answer = () => socket().receive({ t: 'untracked', seq: connection.inFlight?.seq });

/** Loses the connection and opens the next one. */
function reconnect() {
  socket().onclose({ code: 1006 });
  mock.timers.tick(10_000);
  socket().onopen();
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  update({ ready: true, token: 'token' });
  connection.clearQueue();
  connection.open();
  socket().onopen();
});

afterEach(() => {
  connection.close();
  mock.timers.reset();
});

test('one request is in flight, the others wait in order', () => {
  [click(0), untrack, click(3)].forEach(request);
  assert.deepEqual(sent(), [click(0)]);
  answer();
  answer();
  assert.deepEqual(sent(), [click(0), untrack, click(3)]);
});

test('of two prompts for an object and a frame only the newer one waits', () => {
  [click(0, 1, 1), click(0, 1, 2), click(0, 2), click(4), click(0, 1, 3)].forEach(request);
  while (connection.inFlight) answer();
  assert.deepEqual(sent(), [click(0, 1, 1), click(0, 2), click(4), click(0, 1, 3)]);
});

test('the removal of an object outdates its prompts, and prompts after it are for a new one', () => {
  [click(9, 9), click(0), click(4), click(0, 2), removal, click(0)].forEach(request);
  while (connection.inFlight) answer();
  assert.deepEqual(sent(), [click(9, 9), click(0, 2), removal, click(0)]);
});

for (const inFlight of [untrack, editLog]) {
  for (const waiting of [untrack, editLog, click()]) {
    test(`${inFlight.t} survives a lost connection while ${waiting.t} waits`, () => {
      request(inFlight);
      request(waiting);
      reconnect();
      assert.deepEqual(sent(), [inFlight]);
      answer();
      assert.deepEqual(sent(), [inFlight, waiting]);
    });
  }
}

test('a prompt that was lost with the connection is sent again, unless a newer request outdates it', () => {
  request(click(0));
  request(click(4));
  reconnect();
  assert.deepEqual(sent(), [click(0)]);
  request(click(0, 1, 2));
  reconnect();
  assert.deepEqual(sent(), [click(4)]);
  request(removal);
  reconnect();
  assert.deepEqual(sent(), [removal]);
});

test('what the page remembers with a request is not sent', () => {
  request({ ...editLog, title: 'Working', onCancel: () => {}, quiet: true, since: 5 });
  assert.deepEqual(sent(), [editLog]);
});

test('a request that waits can be withdrawn, one that was sent cannot', () => {
  const [first, second] = [click(0), click(1)];
  connection.request(first);
  connection.request(second);
  assert.deepEqual([connection.withdraw(first), connection.withdraw(second)], [false, true]);
  answer();
  assert.deepEqual([sent(), connection.pending], [[click(0)], []]);
});

test('the server has another edit log until its answer to this one', () => {
  request(editLog);
  assert.ok(!connection.isReplaying, 'more comes to what it has');
  answer();
  request({ t: 'edit_log', entries: [] });
  request(click());
  assert.ok(connection.isReplaying);
  answer();
  assert.ok(!connection.isReplaying);
});
