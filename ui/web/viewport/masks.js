// All masks the server has told us, and their pictures. PNGs are kept as they came (about a kilobyte each), within a
// budget; what had to go is asked for again when it is looked at.

import { drawSprite } from './sprites.js';

const MAX_MASK_BYTES_KEPT = 96e6; // bytes of PNGs
const MAX_SPRITES = 1000; // decoded, coloured pictures
const MAX_SPRITE_BYTES = 256e6; // bytes of them
export const UNKNOWN = 0;
export const MASKED = 1;
export const ABSENT = 2;
export const STALE = 3;

class MaskCache {
  constructor() {
    this.clear(0);
  }

  clear(frames) {
    this.frames = new Map(); // frame -> object -> {png, place, quality, presence, area}
    this.lanes = new Map(); // object -> what is known, a number per frame
    this.numbers = new Map(); // object -> {quality, presence, area}, numbers per frame; kept when PNGs are dropped
    this.length = frames;
    this.bytes = 0;
    this.asked = new Set(); // frames that have been asked for again
    this.answers = new Map(); // "frame/object" -> revision of the last answer to a prompt
    this.sprites = new Map(); // record -> promise of a sprite, the one used last at the end
  }

  lane(object) {
    if (!this.lanes.has(object)) this.lanes.set(object, new Uint8Array(this.length));
    return this.lanes.get(object);
  }

  // {quality, presence, area} of a mask, also of one whose picture had to go.
  facts(object, frame) {
    if (!this.lanes.get(object)?.[frame]) return undefined;
    const { quality, presence, area } = this.numbers.get(object);
    return { quality: quality[frame], presence: presence[frame], area: area[frame] };
  }

  note(frame, object, record) {
    const fresh = kind => new kind(this.length);
    const numbers = this.numbers.get(object) ?? {
      quality: fresh(Float32Array),
      presence: fresh(Float32Array),
      area: fresh(Uint32Array),
    };
    this.numbers.set(object, numbers);
    for (const name of Object.keys(numbers)) numbers[name][frame] = record[name];
  }

  on(frame) {
    return this.frames.get(frame) ?? new Map();
  }

  // Is there something to fetch that we once knew?
  misses(frame) {
    if (this.asked.has(frame)) return false;
    const here = this.on(frame);
    return [...this.lanes].some(
      ([object, lane]) => (lane[frame] === MASKED || lane[frame] === STALE) && !here.has(object),
    );
  }

  // What was found before the last prompt may arrive after its answer; then it is out of date.
  isOutdated(frame, object, revision) {
    return revision < (this.answers.get(`${frame}/${object}`) ?? 0);
  }

  put(frame, object, record) {
    const here = this.frames.get(frame) ?? new Map();
    this.drop(frame, object);
    this.lane(object)[frame] = record.stale ? STALE : record.area ? MASKED : ABSENT;
    this.note(frame, object, record);
    here.set(object, record);
    this.frames.delete(frame);
    this.frames.set(frame, here); // newest last
    this.bytes += record.bytes;
    this.asked.delete(frame);
    for (const oldest of this.frames.keys()) {
      if (this.bytes <= MAX_MASK_BYTES_KEPT || oldest === frame) break;
      for (const other of [...this.on(oldest).keys()]) this.drop(oldest, other);
      this.frames.delete(oldest);
    }
  }

  drop(frame, object) {
    const record = this.frames.get(frame)?.get(object);
    if (!record) return;
    this.bytes -= record.bytes;
    this.frames.get(frame).delete(object);
    this.sprites.delete(record);
  }

  takeBack(frame, object) {
    this.drop(frame, object);
    if (this.lanes.has(object)) this.lanes.get(object)[frame] = UNKNOWN;
  }

  // Tracking of these frames was undone.
  untrack([first, last], objects) {
    for (let frame = first; frame <= last; frame += 1) for (const object of objects) this.takeBack(frame, object);
  }

  // What is known of an object on these frames is older than what is said on `word`, but for that frame itself.
  outdate(object, first, last, word) {
    const lane = this.lane(object);
    for (let frame = first; frame <= last; frame += 1)
      if (frame !== word && lane[frame] !== UNKNOWN) lane[frame] = STALE;
  }

  // Exactly what lies in `runs`, each [first, last], is stale.
  setStale(object, runs) {
    const lane = this.lane(object);
    lane.forEach((known, frame) => {
      if (known !== STALE) return;
      const record = this.on(frame).get(object);
      lane[frame] = record && !record.area ? ABSENT : MASKED;
    });
    for (const [first, last] of runs) lane.fill(STALE, first, last + 1);
  }

  forget(object) {
    for (const frame of this.frames.keys()) this.drop(frame, object);
    this.lanes.delete(object);
    this.numbers.delete(object);
  }

  any() {
    return [...this.lanes.values()].some(lane => lane.includes(MASKED) || lane.includes(STALE));
  }

  // `pattern` is the number of one of the PATTERNS, or null.
  sprite(record, color, thickness, pattern) {
    const key = `${color} ${thickness} ${pattern}`;
    let kept = this.sprites.get(record);
    if (kept?.key !== key) kept = { key, ready: null, promise: drawSprite(record, color, thickness, pattern) };
    kept.promise.then(sprite => {
      kept.ready = sprite;
    });
    this.sprites.delete(record);
    this.sprites.set(record, kept);
    this.trimSprites();
    return kept.promise;
  }

  trimSprites() {
    const size = ({ place: [, , width, height] }) => 8 * width * height;
    let bytes = 0;
    for (const each of this.sprites.keys()) bytes += size(each);
    for (const oldest of this.sprites.keys()) {
      if (this.sprites.size <= MAX_SPRITES && bytes <= MAX_SPRITE_BYTES) break;
      this.sprites.delete(oldest);
      bytes -= size(oldest);
    }
  }
}

export const masks = new MaskCache();
