// The project file: JSON that brings a work back anywhere, {format, version, medium, example, journal, look, effects,
// frame, active, range, reviews, objects, masks}. The last two are there for other programs: {object: {name, label,
// color}} and {object: {frame: COCO run lengths}}; the journal is the truth.
// A file comes from anywhere, so everything in it is looked at before anything else sees it.

import { span } from '../core/edit_log.js';
import { sanitizeLook } from '../core/effects.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { sanitizeTraits } from '../core/traits.js';
import { isPlain } from '../shared/values.js';
import { readReviews } from './review_file.js';
import { areNumbers, BadProject, check, isObjectId, isWhole, NoProject, readMedium, sizeOn } from './validation.js';

const FORMAT = 'masklet-project';
const FORMAT_VERSION = 1;
const MAX_PROJECT_BYTES = 200e6; // bytes
const MAX_ENTRIES = 20000; // the server takes no more

export function projectOf(all, masksOf) {
  const known = objects.listed
    .filter(id => state.log.prompts.has(id))
    .map(id => {
      const { name, label, color } = objects.trait(id);
      return [id, { name, label, color }];
    });
  return JSON.stringify({
    format: FORMAT,
    version: FORMAT_VERSION,
    ...all,
    objects: Object.fromEntries(known),
    masks: masksOf,
  });
}

export async function readProject(file) {
  if (file.size > MAX_PROJECT_BYTES) throw new BadProject('This file is too large for a project.');
  let plain;
  try {
    plain = JSON.parse(await file.text());
  } catch {
    throw new NoProject(`“${file.name}” is not a project file.`);
  }
  if (plain?.format !== FORMAT) throw new NoProject(`“${file.name}” is not a project file.`);
  if (plain.version !== FORMAT_VERSION) {
    throw new BadProject('This project was saved by another version of Masklet. Open it with that version.');
  }
  const medium = readMedium(plain.medium);
  return {
    medium,
    journal: readJournal(plain.journal, medium),
    look: readLook(plain.look ?? {}),
    effects: sanitizeLook(plain.effects),
    frame: isWhole(plain.frame, 0, medium.frames - 1) ? plain.frame : 0,
    active: isObjectId(plain.active) ? plain.active : 1,
    range: readRange(plain.range ?? null, medium),
    reviews: readReviews(plain.reviews ?? [], medium),
    example: typeof plain.example === 'string' ? plain.example : undefined,
  };
}

function readJournal(plain, medium) {
  check(isPlain(plain) && Array.isArray(plain.steps) && isWhole(plain.length, 0, plain.steps.length));
  const steps = plain.steps.map(step => {
    check(isPlain(step) && Array.isArray(step.entries));
    const entries = step.entries.map(entry => readEntry(entry, medium));
    return isWhole(step.run, 0, 2 ** 53 - 1) ? { run: step.run, entries } : { entries };
  });
  check(steps.reduce((sum, step) => sum + step.entries.length, 0) <= MAX_ENTRIES);
  return { steps, length: plain.length };
}

function readEntry(plain, medium) {
  check(isPlain(plain));
  if ('forget' in plain) {
    check(isObjectId(plain.forget));
    return { forget: plain.forget };
  }
  if ('track' in plain) return readTracked(plain, medium);
  if ('traits' in plain) {
    check(isObjectId(plain.traits));
    return { traits: plain.traits, set: sanitizeTraits(plain.set) };
  }
  check(isWhole(plain.frame, 0, medium.frames - 1) && isObjectId(plain.object));
  return { frame: plain.frame, object: plain.object, prompt: readPrompt(plain.prompt, sizeOn(plain.frame, medium)) };
}

function readTracked({ track, objects: found, after }, medium) {
  check(areNumbers(track, 3) && track.every(Number.isInteger) && Math.abs(track[2]) === 1);
  const [first, last] = span(track);
  check(first >= 0 && first <= last && last < medium.frames);
  check(Array.isArray(found) && found.length <= 1000 && found.every(isObjectId));
  return { track: [...track], objects: [...found], ...(isWhole(after, 0, MAX_ENTRIES) ? { after } : {}) };
}

function readPrompt(plain, [height, width]) {
  check(isPlain(plain));
  const { points = [], boxes = [], mask, choice, crop } = plain;
  const inside = (x, y) => x >= 0 && x <= width && y >= 0 && y <= height;
  const isPoint = point => areNumbers(point, 3) && inside(point[0], point[1]);
  const isBox = corners => areNumbers(corners, 4) && inside(corners[0], corners[1]) && inside(corners[2], corners[3]);
  check(Array.isArray(points) && points.length <= about.max_points && points.every(isPoint));
  check(Array.isArray(boxes) && boxes.length <= about.max_boxes && boxes.every(isBox));
  check(
    mask === undefined || (isPlain(mask) && `${mask.size}` === `${[height, width]}` && typeof mask.counts === 'string'),
  );
  check(mask === undefined || mask.counts.length <= about.max_mask);
  check((choice === undefined || isWhole(choice, 0, 2)) && (crop === undefined || isBox(crop)));
  const read = {
    points: points.length ? points : undefined,
    boxes: boxes.length ? boxes : undefined,
    mask,
    choice,
    crop,
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}

function readRange(plain, { frames: count }) {
  if (plain === null) return null;
  check(isPlain(plain) && isWhole(plain.first, 0, count - 1) && isWhole(plain.last, plain.first, count - 1));
  return { first: plain.first, last: plain.last };
}

function readLook({ hidden = [], solo = null }) {
  check(Array.isArray(hidden) && hidden.length <= MAX_ENTRIES && hidden.every(isObjectId));
  check(solo === null || isObjectId(solo));
  return { hidden, solo };
}
