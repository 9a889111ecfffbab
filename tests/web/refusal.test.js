// What a refused request says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused, refusalOf, refusalText } from '../../ui/web/net/refusal.js';

const PAGE = '<html><head><title>413 Request Entity Too Large</title></head></html>';

test('Masklet says itself what is wrong', () => {
  const body = JSON.stringify({ error: 'This request is too large: up to 513 MB fit.' });
  assert.equal(refusalText(413, body, 600e6), 'This request is too large: up to 513 MB fit.');
  assert.equal(refusalText(400, JSON.stringify({ error: 'This is no picture.' })), 'This is no picture.');
});

test('the limit of a proxy is told as one', () => {
  assert.match(refusalText(413, PAGE, 2e6), /^A proxy before Masklet .* \(2.0 MB\)\..*client_max_body_size/);
  assert.doesNotMatch(refusalText(413, PAGE), /\(.*MB\)/);
  assert.match(refusalText(502, '<html></html>'), /proxy before Masklet got no answer/);
  assert.equal(refusalText(418, '{"error": 5}'), 'The server did not take this. Try again.');
});

test('a response becomes an error that may be shown', async () => {
  const refused = await refusalOf(new Response(PAGE, { status: 413 }), 3e6);
  assert.ok(refused instanceof Refused);
  assert.match(refused.message, /3.0 MB/);
});
