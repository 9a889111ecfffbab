// Names of files: with their folders, in projects, and as downloads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downloadStem, formerName, isCalled, pathOf, sentName, sortByNames } from '../../ui/web/storage/file_names.js';

/**
 * @param {string} name
 * @param {string} [path]
 */
const file = (name, path = '') => Object.defineProperty(new File(['x'], name), 'webkitRelativePath', { value: path });

test('a file has the path that the browser gives', () => {
  assert.equal(pathOf(file('1.jpg', 'trip/rear/1.jpg')), 'trip/rear/1.jpg');
  assert.equal(pathOf(file('100%20 #1.jpg')), '100%20 #1.jpg');
  assert.equal(sentName(file(`${'🎬'.repeat(300)}a.jpg`)), `_${'🎬'.repeat(297)}a.jpg`, 'no half character');
  assert.equal(sentName(file('🎬.jpg')), '🎬.jpg');
});

test('a project names files as they are, or as earlier versions did', () => {
  assert.ok(isCalled('a#b?.png', 'a#b?.png'));
  assert.ok(isCalled('ab.png', 'a#b?.png'));
  assert.ok(isCalled('caf\u00e9.PNG', 'cafe\u0301.png'));
  assert.ok(isCalled('rear/1.jpg', 'trip/rear/1.jpg'));
  assert.ok(isCalled('rear/1.jpg', '1.jpg'), 'its folder is not known');
  assert.ok(!isCalled('rear/1.jpg', 'trip/front/1.jpg'));
  assert.ok(!isCalled('1.jpg', '11.jpg'));
});

test('names of earlier versions', () => {
  assert.equal(formerName('हिन्दी.png'), 'हनद.png');
  assert.equal(formerName('.hidden.png'), 'hidden.png');
  assert.equal(formerName('#'), 'upload');
  assert.equal(formerName(`${'x'.repeat(110)}.webm`), `${'x'.repeat(75)}.webm`);
  assert.equal(formerName('no ending.of this kind'), 'no ending.of this kind');
});

test('files come in the order of a project, and get its paths', () => {
  const [rear, front] = [file('1.jpg', 't/rear/1.jpg'), file('1.jpg', 't/front/1.jpg')];
  const chosen = [rear, front];
  sortByNames(chosen, ['front/1.jpg', 'rear/1.jpg']);
  assert.deepEqual(chosen, [front, rear]);
  const saved = [file('1.jpg'), file('1.jpg')];
  sortByNames(saved, ['front/1.jpg', 'rear/1.jpg']);
  assert.deepEqual(saved.map(pathOf), ['front/1.jpg', 'rear/1.jpg']);
});

test('names of downloads', () => {
  assert.equal(downloadStem('v1.2 #3.jpg'), 'v1.2 #3');
  assert.equal(downloadStem('front/1.jpg'), 'front_1');
  assert.equal(downloadStem('a<b>:"?.png'), 'a_b____');
  assert.equal(downloadStem('.hidden'), 'hidden');
  assert.equal(downloadStem(''), 'masklet');
});
