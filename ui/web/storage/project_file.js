// The project file: JSON from which the work is restored anywhere, {format, version, medium, example, journal, look,
// effects, frame, active, range, reviews, interrupted, objects, masks}. The last two are for other programs: {object: {name, label,
// color}} and {object: {frame: COCO run lengths}}; only the edit log (`journal`) counts.
// A file may come from anywhere, so everything in it is checked before it is used.

import { span } from '../core/edit_log.js';
import { sanitizeEffects } from '../core/effects.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { sanitizeScores, sanitizeTraits } from '../core/traits.js';
import { tr } from '../shared/language.js';
import { isPlain } from '../shared/values.js';
import { readReviews } from './review_file.js';
import { areNumbers, BadProject, check, isObjectId, isWhole, NoProject, readMedium, sizeOn } from './validation.js';

const FORMAT = 'masklet-project';
const FORMAT_VERSION = 1;
const MAX_PROJECT_BYTES = 200e6;
const MAX_ENTRIES = 20000; // as on the server
const LAST_CHOICE = 3; // as on the server

/**
 * The text of a project file.
 * @param {ProjectData} data
 * @param {Record<string, Record<number, RunLengths>>} [masks] object -> frame -> mask
 */
export function projectOf(data, masks) {
  const known = objects.listed
    .filter(id => state.log.prompts.has(id))
    .map(id => {
      const { name, label, color } = objects.trait(id);
      return [id, { name, label, color }];
    });
  return JSON.stringify({
    format: FORMAT,
    version: FORMAT_VERSION,
    ...data,
    objects: Object.fromEntries(known),
    masks,
  });
}

/**
 * Throws `BadProject`, or `NoProject` where it is another kind of file.
 * @param {File} file
 * @returns {Promise<ProjectData>}
 */
export async function readProject(file) {
  if (file.size > MAX_PROJECT_BYTES) throw new BadProject(tr('This file is too large for a project.'));
  const plain = await file
    .text()
    .then(JSON.parse)
    .catch(() => null);
  if (plain?.format !== FORMAT) throw new NoProject(tr('“{name}” is not a project file.', { name: file.name }));
  if (plain.version !== FORMAT_VERSION) {
    throw new BadProject(tr('This project was saved by another version of Masklet. Open it with that version.'));
  }
  const medium = readMedium(plain.medium);
  return {
    medium,
    journal: readEditLog(plain.journal, medium),
    look: readVisibility(plain.look ?? {}),
    effects: sanitizeEffects(plain.effects),
    frame: isWhole(plain.frame, 0, medium.frames - 1) ? plain.frame : 0,
    active: isObjectId(plain.active) ? plain.active : 1,
    range: readRange(plain.range ?? null, medium),
    reviews: readReviews(plain.reviews ?? [], medium),
    interrupted: readRun(plain.interrupted ?? null, medium),
    example: typeof plain.example === 'string' ? plain.example : undefined,
  };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {ProjectData['journal']}
 */
function readEditLog(plain, medium) {
  check(isPlain(plain) && Array.isArray(plain.steps) && isWhole(plain.length, 0, plain.steps.length));
  const steps = plain.steps.map(step => readStep(step, medium));
  check(steps.reduce((sum, step) => sum + step.entries.length, 0) <= MAX_ENTRIES);
  return { steps, length: plain.length };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {Step}
 */
function readStep(plain, medium) {
  check(isPlain(plain) && Array.isArray(plain.entries));
  const entries = plain.entries.map(entry => readEntry(entry, medium));
  return isWhole(plain.run, 0, Number.MAX_SAFE_INTEGER) ? { run: plain.run, entries } : { entries };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {Entry}
 */
function readEntry(plain, medium) {
  check(isPlain(plain));
  const { frame, object, prompt, forget, traits, set, track, reject } = plain;
  if (forget !== undefined) {
    check(isObjectId(forget));
    return { forget };
  }
  if (track !== undefined) return readTracked(plain, medium);
  if (traits !== undefined) {
    check(isObjectId(traits));
    return { traits, set: sanitizeTraits(set) };
  }
  if (reject !== undefined) {
    check(isWhole(reject, 0, medium.frames - 1));
    return { reject, mask: readMask(plain.mask, sizeOn(reject, medium)), ...sanitizeScores(plain) };
  }
  check(isWhole(frame, 0, medium.frames - 1) && isObjectId(object));
  return { frame, object, prompt: readPrompt(prompt, sizeOn(frame, medium)) };
}

/**
 * @param {Record<string, unknown>} plain
 * @param {Medium} medium
 * @returns {Entry}
 */
function readTracked({ track, objects: tracked = [], after }, medium) {
  check(areNumbers(track, 3) && track.every(Number.isInteger));
  const [start, stop, step] = track;
  check(step === 1 || step === -1);
  const [first, last] = span([start, stop, step]);
  check(first >= 0 && first <= last && last < medium.frames);
  check(Array.isArray(tracked) && tracked.length <= 1000 && tracked.every(isObjectId));
  const entry = { track: /** @type {TrackEntry['track']} */ ([start, stop, step]), objects: [...tracked] };
  return isWhole(after, 0, MAX_ENTRIES) ? { ...entry, after } : entry;
}

/**
 * @param {unknown} plain
 * @param {[height: number, width: number]} size
 * @returns {Prompt}
 */
function readPrompt(plain, [height, width]) {
  check(isPlain(plain));
  const { points = [], boxes = [], mask, choice, crop } = plain;
  /** @type {(x: number, y: number) => boolean} */
  const isInside = (x, y) => x >= 0 && x <= width && y >= 0 && y <= height;
  const isPoint = (/** @type {unknown} */ point) => areNumbers(point, 3) && isInside(point[0], point[1]);
  const isBox = (/** @type {unknown} */ box) =>
    areNumbers(box, 4) && isInside(box[0], box[1]) && isInside(box[2], box[3]);
  check(Array.isArray(points) && points.length <= about.max_points && points.every(isPoint));
  check(Array.isArray(boxes) && boxes.length <= about.max_boxes && boxes.every(isBox));
  check((choice === undefined || isWhole(choice, 0, LAST_CHOICE)) && (crop === undefined || isBox(crop)));
  return {
    ...(points.length && { points }),
    ...(boxes.length && { boxes }),
    ...(mask !== undefined && { mask: readMask(mask, [height, width]) }),
    ...(choice !== undefined && { choice }),
    ...(crop !== undefined && { crop }),
  };
}

/**
 * @param {unknown} plain
 * @param {[height: number, width: number]} size
 * @returns {RunLengths & { counts: string }}
 */
function readMask(plain, size) {
  check(isPlain(plain) && `${plain.size}` === `${size}`);
  check(typeof plain.counts === 'string' && plain.counts.length <= about.max_mask);
  return { size, counts: plain.counts };
}

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {FrameRange | null}
 */
function readRange(plain, { frames }) {
  if (plain === null) return null;
  check(isPlain(plain) && isWhole(plain.first, 0, frames - 1) && isWhole(plain.last, plain.first, frames - 1));
  return { first: plain.first, last: plain.last };
}

const DIRECTIONS = /** @type {const} */ (['forward', 'backward', 'both']);

/**
 * @param {unknown} plain
 * @param {Medium} medium
 * @returns {TrackingRun | null}
 */
function readRun(plain, medium) {
  if (plain === null) return null;
  check(isPlain(plain) && isWhole(plain.run, 0, Number.MAX_SAFE_INTEGER));
  const direction = DIRECTIONS.find(each => each === plain.direction);
  const range = readRange({ first: plain.first, last: plain.last }, medium);
  check(direction && range && isWhole(plain.frame, 0, medium.frames - 1));
  return { run: plain.run, direction, frame: plain.frame, ...range, pause: plain.pause === true };
}

/**
 * @param {{ hidden?: unknown; solo?: unknown }} plain
 * @returns {ProjectData['look']}
 */
function readVisibility({ hidden = [], solo = null }) {
  check(Array.isArray(hidden) && hidden.length <= MAX_ENTRIES && hidden.every(isObjectId));
  check(solo === null || isObjectId(solo));
  return { hidden, solo };
}
