import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkTo } from '../../ui/web/shared/example_link.js';

const example = { name: 'star & co', title: 'Stars', kind: 'image', idea: '' };
/** @param {string} address */
const pageAt = address => new URL(address);

test('a link opens the same example, without the rest of the address', () => {
  const page = pageAt('https://masklet.test/app/?view=api&theme=dark');
  assert.equal(linkTo(page, example), 'https://masklet.test/app/?example=star%20%26%20co');
});

test('what users bring has no link, nor has a page that only this computer can open', () => {
  assert.equal(linkTo(pageAt('https://masklet.test/'), undefined), '');
  for (const host of ['localhost', '127.0.0.1', '127.8.0.1', '[::1]'])
    assert.equal(linkTo(pageAt(`http://${host}:7860/`), example), '');
  assert.notEqual(linkTo(pageAt('http://127.example.org/'), example), '');
});
