// Project files: what is read, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './fake_page.js';

const { about } = await import('../../ui/web/core/page.js');
const { projectOf, readProject } = await import('../../ui/web/storage/project_file.js');
const { BadProject, NoProject } = await import('../../ui/web/storage/validation.js');

Object.assign(about, { max_points: 3, max_boxes: 2, max_mask: 100, max_objects: 5, max_layers: 4, max_text: 40 });
Object.assign(about, { effects: {}, edges: {}, presets: {}, colors: ['#ff0000'] });

/** @type {ProjectData} */
const data = {
  medium: { kind: 'clip', name: 'clip.mp4', frames: 10, fps: 25, height: 20, width: 30 },
  journal: {
    steps: [
      { entries: [{ frame: 0, object: 1, prompt: { points: [[1, 2, 1]], choice: 3 } }] },
      {
        run: 7,
        entries: [
          { track: [1, 4, 1], objects: [1] },
          { track: [4, 6, 1], objects: [1], after: 2 },
        ],
      },
      { entries: [{ traits: 1, set: { name: 'Nemo', locked: true } }] },
      { entries: [{ frame: 3, object: 2, prompt: { boxes: [[1, 1, 30, 20]], crop: [0, 0, 9, 9] } }] },
      { entries: [{ forget: 2 }, { frame: 3, object: 1, prompt: { mask: { size: [20, 30], counts: '' } } }] },
      { entries: [{ reject: 3, mask: { size: [20, 30], counts: 'hb0' }, predicted_iou: 0.9, seconds: 2 }] },
    ],
    length: 5,
  },
  look: { hidden: [2], solo: null },
  effects: null,
  frame: 3,
  active: 2,
  range: { first: 2, last: 8 },
  reviews: [],
  interrupted: { run: 7, direction: 'forward', frame: 6, first: 0, last: 9, pause: true },
  example: 'fish',
};

const file = (/** @type {string} */ text) => new File([text], 'work.json');

/**
 * The file of `data` after a change.
 * @param {(plain: any) => void} change
 */
function changed(change) {
  const plain = JSON.parse(projectOf(data));
  change(plain);
  return file(JSON.stringify(plain));
}

test('a project comes back as it was saved', async () => {
  assert.deepEqual(await readProject(file(projectOf(data, { 1: { 0: { size: [20, 30], counts: '' } } }))), data);
});

test('what an old file lacks has a default', async () => {
  const old = changed(plain => {
    for (const name of ['look', 'effects', 'frame', 'active', 'range', 'reviews', 'interrupted', 'example'])
      delete plain[name];
  });
  const { medium, journal } = data;
  const defaults = { look: { hidden: [], solo: null }, effects: null, frame: 0, active: 1, range: null, reviews: [] };
  assert.deepEqual(await readProject(old), { medium, journal, ...defaults, interrupted: null, example: undefined });
});

test('other kinds of files are no projects', async () => {
  for (const text of ['', '{', 'null', '[]', '{"format": "masklet-review"}']) {
    await assert.rejects(readProject(file(text)), NoProject);
  }
});

/** @type {Record<string, (plain: any) => void>} */
const damages = {
  'another version': plain => (plain.version = 2),
  'no medium': plain => delete plain.medium,
  'an unknown kind of medium': plain => (plain.medium.kind = 'sound'),
  'more steps than there are': plain => (plain.journal.length = 9),
  'a frame outside of the clip': plain => (plain.journal.steps[0].entries[0].frame = 10),
  'no such object': plain => (plain.journal.steps[0].entries[0].object = 0),
  'a point outside of the frame': plain => (plain.journal.steps[0].entries[0].prompt.points[0][0] = 31),
  'too many points': plain => (plain.journal.steps[0].entries[0].prompt.points = new Array(4).fill([1, 1, 1])),
  'a run beyond the clip': plain => (plain.interrupted.last = 10),
  'a run in no direction': plain => (plain.interrupted.direction = 'one'),
  'no such candidate': plain => (plain.journal.steps[0].entries[0].prompt.choice = 4),
  'tracking that stands still': plain => (plain.journal.steps[1].entries[0].track[2] = 0),
  'tracking beyond the clip': plain => (plain.journal.steps[1].entries[0].track[1] = 11),
  'a mask of another size': plain => (plain.journal.steps[4].entries[1].prompt.mask.size = [30, 20]),
  'a range beyond the clip': plain => (plain.range.last = 10),
  'visibility of nothing': plain => (plain.look.hidden = [null]),
};

for (const [name, damage] of Object.entries(damages)) {
  test(`a project is refused: ${name}`, () => assert.rejects(readProject(changed(damage)), BadProject));
}
