// Which masks are requested that the server has.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { EditLog } from '../../ui/web/core/edit_log.js';
import { update } from '../../ui/web/core/store.js';
import { FakeSocket } from './fake_page.js';

const { connection } = await import('../../ui/web/net/connection.js');
const { requestMasks } = await import('../../ui/web/viewport/mask_requests.js');
const { MASKED, masks } = await import('../../ui/web/viewport/masks.js');

const FRAMES = 200;
/** @type {Step[]} */
const steps = [
  { entries: [{ frame: 0, object: 1, prompt: { points: [[1, 1, 1]] } }] },
  { run: 1, entries: [{ track: [1, FRAMES, 1], objects: [1] }] },
];

/** @returns {FakeSocket} the newest */
const socket = () => FakeSocket.opened[FakeSocket.opened.length - 1];
const requested = () => socket().sent.map(({ first, last }) => [first, last]);

/** Lets the pauses between requests pass. */
async function pass() {
  for (let pause = 0; pause < 10; pause += 1) {
    mock.timers.tick(1000);
    await Promise.resolve();
    await Promise.resolve();
  }
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  update({ token: 'token', version: 1, log: new EditLog({ steps, length: 2 }) });
  update({ medium: { kind: 'clip', name: 'clip.mp4', frames: FRAMES, fps: 25, height: 20, width: 30 } });
  masks.clear(FRAMES);
  connection.open();
  socket().onopen();
});

afterEach(() => {
  connection.close();
  mock.timers.reset();
});

test('all masks of the edit log are requested, in parts', async () => {
  masks.lane(1).fill(MASKED);
  requestMasks();
  await pass();
  assert.deepEqual(requested(), [
    [0, 63],
    [64, 127],
    [128, 191],
    [192, 199],
  ]);
});

test('where only the missing ones are wanted, parts of which all is known are left out', async () => {
  masks.lane(1).fill(MASKED, 0, 130);
  requestMasks(true);
  await pass();
  assert.deepEqual(requested(), [
    [128, 191],
    [192, 199],
  ]);
});

test('nothing more is requested once the connection is lost', async () => {
  requestMasks();
  socket().onclose({ code: 1006 });
  mock.timers.tick(200); // before it is opened again
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  connection.open();
  socket().onopen();
  await pass();
  assert.deepEqual(requested(), []);
});
