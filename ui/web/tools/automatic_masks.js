// Automatic masks: the server finds all masks of the frame, the page filters them, and those that the user takes become
// objects, each with the mask as its mask prompt. Candidates belong to the frame; those of the last frames come back with them.

/** @import { AutomaticStartedEvent } from '../protocol.js' */
/** @import { MaskShape } from '../viewport/mask_shapes.js' */

import { boxOverlap, filterMasks } from '../core/automatic_masks.js';
import { frameSize } from '../core/media.js';
import { announce, NO_CONNECTION, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about } from '../core/page.js';
import { madeByNetwork, scoresOf } from '../core/provenance.js';
import { RecentFrames } from '../core/recent_frames.js';
import { boundsOf, encodeRuns } from '../core/run_lengths.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { commas, plural, sentences, tr } from '../shared/language.js';
import { ratingWord } from '../shared/ratings.js';
import { oncePerFrame } from '../shared/refresh.js';
import { isInside, pixelsOf, shapeOf, shapeOverlap } from '../viewport/mask_shapes.js';
import { masks } from '../viewport/masks.js';
import { removeObject } from './object_actions.js';
import { prompts } from './prompts.js';

/**
 * `runs` are there once it was taken.
 * @typedef {AutomaticMask & { shape?: MaskShape, runs?: ReturnType<typeof encodeRuns> }} Candidate
 * @typedef {{ points_per_side?: number, crop_layers?: number }} Grid
 * @typedef {object} Thresholds
 * @property {number} min_predicted_iou
 * @property {number} min_stability
 * @property {number} min_share smallest area as a share of the picture
 * @property {boolean} atEdge whether masks that touch an edge of the picture are shown, too
 */
/** @typedef {{ settings: AutomaticStartedEvent, found: Map<number, Candidate>, note: string, isComplete: boolean }} Result of a frame */

const MAX_KEPT = 16; // frames whose candidates are kept
const SETTLE_TIME = 3000; // milliseconds after a lost connection in which the end of a run may still arrive
const STOPPED = tr('Stopped. This is what was found until then.');
const LOST = tr('The connection was lost meanwhile.');
const REGION_SHARE = 1 / 2000; // of the picture; smaller holes and islands of a mask are specks
const MAX_REGION_AREA = 100000; // pixels, as many as the server allows
const REFRESH_INTERVAL = 250; // milliseconds, while masks stream in
const SAME_BOX = 0.7; // IoU from which masks are compared at all
const SAME_MASK = 0.8; // IoU from which a candidate is an object that is there already
const DOUBLE_CLICK = 400; // milliseconds; the second click does not give back what the first one took

class AutomaticMasks {
  isOn = false;
  run = 0;
  /** @type {AutomaticStartedEvent | null} the settings of the run */
  settings = null;
  /** @type {{ fraction: number | null, left: number | null } | null} while the server looks */
  job = null;
  /** Why there is nothing, for the user. */
  note = '';
  /** @type {Thresholds} */
  thresholds = { min_predicted_iou: 0, min_stability: 0, min_share: 0, atEdge: true };
  /** @type {Candidate[]} what the filter leaves, best first */
  shown = [];
  /** @type {Candidate | null} under the pointer, or stepped to */
  highlighted = null;
  /** @type {Candidate | null} highlighted while nothing else is */
  proposal = null;
  /** How many there are at the lowest thresholds, but for objects that are there already. */
  total = 0;
  /** How many are not shown since they are objects already. */
  known = 0;
  /** Grows when the outlines change. */
  revision = 0;
  /** @type {Map<number, Candidate>} */
  #found = new Map();
  #isComplete = false; // the run came to its end
  /** @type {RecentFrames<Result>} of other frames, and of this one while the tool is not chosen */
  #kept = new RecentFrames(MAX_KEPT);
  /** @type {(isComplete: boolean) => void} resolves `finished` */
  #finish = () => {};
  /** @type {Promise<boolean>} whether the newest run came to its end, all filters applied */
  finished = Promise.resolve(false);
  #model = ''; // whose thresholds those are
  isTaking = false; // all of them
  /** @type {{ prompts: typeof state.log.prompts | null, objects: Map<unknown, number> }} counts of a mask -> its object */
  #objects = { prompts: null, objects: new Map() };
  #refreshTimer = 0;
  #turns = { last: 0, shown: 0 }; // of filtering
  #toggled = { id: 0, at: 0 };
  /** @type {WeakMap<RejectEntry, ReturnType<typeof boundsOf>>} */
  #bounds = new WeakMap();
  /** @type {WeakMap<MaskRecord, MaskShape>} shapes of the masks of objects */
  #shapes = new WeakMap();

  // --- the run ---

  /**
   * Looks at the frame anew. Returns whether it came to its end, all filters applied.
   * @param {Grid} [grid] left out: as the network does best
   * @returns {Promise<boolean>}
   */
  start(grid = {}) {
    const why = this.#refusal;
    if (why) toast(why, 'hint');
    if (why) return Promise.resolve(false);
    this.#kept.take(state.frame);
    this.clear();
    this.finished = new Promise(resolve => {
      this.#finish = resolve;
    });
    const run = Math.max(Date.now(), this.run);
    const { width, height } = frameSize();
    const min_region_area = Math.min(MAX_REGION_AREA, Math.round(REGION_SHARE * width * height));
    connection.send({ t: 'segment_everything', run, frame: state.frame, min_region_area, ...grid });
    Object.assign(this, { isOn: true, run, job: { fraction: null, left: null } });
    showTip('');
    announce(tr('Looking for everything'));
    emit('automatic');
    return this.finished;
  }

  /** Why nothing can be looked for now, for the user; '' where it can. */
  get #refusal() {
    if (!state.ready) return tr('The model is still loading. Try again in a moment.');
    if (state.tracking) return tr('Tracking is under way. Stop it first, or wait for it.');
    return connection.status === 'on' ? '' : NO_CONNECTION;
  }

  cancel() {
    if (this.job) connection.send({ t: 'cancel', job: 'everything' });
  }

  /**
   * Without candidates; a run under way is cancelled, and what it still sends is not for us.
   * @param {string} [note] for the user
   */
  clear(note = '') {
    this.cancel();
    this.#finish(false);
    this.#found = new Map();
    this.#isComplete = false;
    Object.assign(this, {
      settings: null,
      job: null,
      note,
      shown: [],
      highlighted: null,
      proposal: null,
      total: 0,
      known: 0,
      run: this.run + 1,
    });
    this.revision += 1;
    emit('automatic');
  }

  end() {
    if (!this.isOn) return;
    this.isOn = false;
    this.#keep();
    this.clear();
  }

  /** Shows what was found on this frame before, or looks at it. */
  open() {
    this.isOn = true;
    const known = this.#kept.take(state.frame);
    if (known?.isComplete) this.#restore(known);
    else this.start();
  }

  /** Another frame is shown: its candidates come back, if there are some. */
  frameChanged() {
    if (!this.isOn || this.frame === state.frame) return;
    this.#keep();
    const known = this.#kept.take(state.frame);
    if (known) this.#restore(known);
    else if (this.settings || this.job) this.clear();
  }

  /** What is kept holds no more: of another medium, or another model. */
  forget() {
    this.#kept.clear();
  }

  #keep() {
    const { settings, job, note } = this;
    if (!settings || !this.#found.size) return;
    const known = { settings, found: this.#found, note: job ? STOPPED : note, isComplete: this.#isComplete };
    this.#kept.keep(settings.frame, known);
  }

  /** @param {Result} known */
  #restore({ settings, found, note, isComplete }) {
    this.clear(note);
    this.settings = settings;
    this.#found = found;
    this.#isComplete = isComplete;
    this.#objects.prompts = null;
    const { run } = this;
    this.finished = this.refresh().then(() => isComplete && run === this.run);
  }

  /**
   * There is a connection again. The server goes on with a run where it was; the end of one may still be on its way.
   * @param {number} [underWay] the run that the server is at
   */
  reconnected(underWay) {
    const { run } = this;
    if (!this.job || underWay === run) return;
    setTimeout(() => {
      if (run === this.run) this.interrupt();
    }, SETTLE_TIME);
  }

  /** The run under way does not go on; what was found stays. */
  interrupt() {
    if (!this.job) return;
    if (!this.settings) return this.clear(sentences(LOST, tr('Find everything again.')));
    this.job = null;
    this.note = sentences(LOST, tr('This is what was found until then.'));
    this.#finish(false);
    this.refresh();
  }

  /** @param {{ run?: number }} event */
  #isOurs(event) {
    return this.isOn && event.run === this.run;
  }

  /** @param {AutomaticStartedEvent} event */
  started(event) {
    if (!this.#isOurs(event) || event.version !== state.version) return;
    this.#found.clear();
    this.#objects.prompts = null;
    this.settings = event;
    const { min_predicted_iou, min_stability, floor_predicted_iou, floor_stability } = event;
    if (this.#model !== state.model.name) {
      this.#model = state.model.name;
      this.thresholds = { min_predicted_iou, min_stability, min_share: 0, atEdge: true };
    }
    this.thresholds.min_predicted_iou = Math.max(this.thresholds.min_predicted_iou, floor_predicted_iou);
    this.thresholds.min_stability = Math.max(this.thresholds.min_stability, floor_stability);
    emit('automatic');
  }

  /** @param {AutomaticMasksMessage} message */
  received(message) {
    if (!this.#isOurs(message) || !this.settings) return;
    for (const mask of message.masks) {
      const before = this.#found.get(mask.id);
      if (!before || !this.objectOf(before)) this.#found.set(mask.id, mask); // fitted at last; an object stays as it is
    }
    for (const id of message.dropped) this.#found.delete(id);
    this.#refreshTimer ||= setTimeout(() => this.refresh(), REFRESH_INTERVAL);
  }

  /** @param {PageEvents['server-progress']} event */
  progressed(event) {
    if (event.job !== 'everything' || !this.#isOurs(event) || !this.job) return;
    this.job = { fraction: event.fraction, left: event.left ?? null };
    emit('automatic');
  }

  /** @param {PageEvents['server-done']} event */
  async ended(event) {
    if (event.job !== 'everything' || !this.#isOurs(event)) return;
    this.job = null;
    this.note = event.stopped ? STOPPED : '';
    this.#isComplete = !event.stopped;
    await this.refresh();
    if (!this.#isOurs(event)) return;
    this.#finish(!event.stopped);
    announce(this.shown.length ? this.countText : tr('Nothing was found'));
    emit('automatic');
  }

  /** @param {PageEvents['server-error']} event */
  failed(event) {
    if (event.job !== 'everything' || !this.#isOurs(event)) return;
    this.clear(tr('That did not work. Try again.'));
  }

  // --- what is shown ---

  get frame() {
    return this.settings?.frame ?? -1;
  }

  /** @param {Partial<Thresholds>} changes */
  filter(changes) {
    Object.assign(this.thresholds, changes);
    return this.refresh();
  }

  /** Filters anew, once the shapes of all that may be shown are there. */
  async refresh() {
    const { settings, run } = this;
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = 0;
    if (!settings) return;
    const thresholds = { ...this.thresholds };
    const turn = ++this.#turns.last;
    const { width, height } = frameSize(settings.frame);
    const all = [...this.#found.values()].sort((one, other) => one.id - other.id);
    const { max_overlap, floor_predicted_iou, floor_stability } = settings;
    const chosen = {
      ...thresholds,
      max_overlap,
      min_area: thresholds.min_share * width * height,
      edge_distance: thresholds.atEdge ? 0 : 1,
    };
    const lowest = { min_predicted_iou: floor_predicted_iou, min_stability: floor_stability, max_overlap };
    const passing = filterMasks(all, chosen, { width, height }).map(index => all[index]);
    const possible = filterMasks(all, lowest, { width, height }).length;
    await Promise.all([...passing.map(mask => this.#giveShape(mask)), this.#knowObjects(settings.frame)]);
    if (run !== this.run || turn < this.#turns.shown) return;
    this.#turns.shown = turn;
    const wanted = passing.filter(mask => !this.#isRejected(mask));
    const offered = wanted.filter(mask => mask.shape && !this.#isObject(mask));
    this.known = wanted.length - offered.length;
    this.total = Math.max(offered.length, possible - (passing.length - offered.length));
    this.shown = offered;
    const now = (/** @type {Candidate | null} */ mask) => offered.find(({ id }) => id === mask?.id) ?? null;
    this.proposal = now(this.proposal);
    this.highlighted = now(this.highlighted) ?? this.proposal;
    this.revision += 1;
    emit('automatic');
  }

  /** @param {Candidate} mask */
  async #giveShape(mask) {
    mask.shape ??= await shapeOf(mask).catch(() => undefined);
  }

  /** @param {number} frame */
  async #knowObjects(frame) {
    for (const record of masks.on(frame).values()) {
      if (!record.area || this.#shapes.has(record)) continue;
      const shape = await shapeOf(record).catch(() => undefined);
      if (shape) this.#shapes.set(record, shape);
    }
  }

  /**
   * Is it nearly the mask of an object that was not taken from it?
   * @param {Candidate} mask
   */
  #isObject(mask) {
    if (this.objectOf(mask)) return false;
    const near = [...masks.on(this.frame).values()].filter(({ place }) => boxOverlap(place, mask.place) >= SAME_BOX);
    return near.some(record => {
      const shape = this.#shapes.get(record);
      return shape && mask.shape && shapeOverlap(mask.shape, shape) >= SAME_MASK;
    });
  }

  /**
   * In stages: is it nearly a mask that the user rejected?
   * @param {Candidate} mask
   */
  #isRejected({ place, area }) {
    if (!state.stage) return false;
    return state.log.rejected.some(entry => {
      if (entry.reject !== this.frame) return false;
      if (!this.#bounds.has(entry)) this.#bounds.set(entry, boundsOf(entry.mask));
      const bounds = this.#bounds.get(entry);
      if (!bounds || boxOverlap(bounds.place, place) < SAME_MASK) return false;
      return Math.min(area, bounds.area) >= SAME_MASK * Math.max(area, bounds.area);
    });
  }

  /**
   * The object that the mask was taken as, 0 where it was not.
   * @param {Candidate} mask
   */
  objectOf({ runs }) {
    if (!runs) return 0;
    const { prompts: now } = state.log;
    if (this.#objects.prompts !== now) {
      const frames = [...now].map(([object, prompted]) => [prompted.get(this.frame)?.mask?.counts, object]);
      this.#objects = { prompts: now, objects: new Map(/** @type {[unknown, number][]} */ (frames)) };
    }
    return this.#objects.objects.get(runs.counts) ?? 0;
  }

  /** @param {Candidate} mask */
  colorOf(mask) {
    const object = this.objectOf(mask);
    return object ? objects.color(object) : about.colors[(mask.id - 1) % about.colors.length];
  }

  get taken() {
    return this.shown.filter(mask => this.objectOf(mask)).length;
  }

  // --- the highlighted one ---

  /**
   * The smallest one that contains the position.
   * @param {Position} position
   */
  at(position) {
    const hits = this.shown.filter(({ shape }) => shape && isInside(shape, position));
    return hits.reduce(
      (/** @type {Candidate | null} */ best, hit) => (best && best.area <= hit.area ? best : hit),
      null,
    );
  }

  /** @param {Candidate | null} wanted null: the proposal, if there is one */
  highlight(wanted) {
    const mask = wanted ?? this.proposal;
    if (mask === this.highlighted) return;
    this.highlighted = mask;
    emit('automatic-highlight');
  }

  /** @param {Candidate | null} mask */
  propose(mask) {
    this.proposal = mask;
    this.highlight(mask);
  }

  /** @param {number} by steps through those that are shown */
  step(by) {
    const { shown, highlighted } = this;
    if (!shown.length) return;
    const place = highlighted ? shown.indexOf(highlighted) + by : by > 0 ? 0 : -1;
    this.highlight(shown[(place + shown.length) % shown.length]);
    announce(this.description);
  }

  get countText() {
    return plural(this.total, '{shown} of {n} mask shown', '{shown} of {n} masks shown', { shown: this.shown.length });
  }

  /** What is highlighted, in words. */
  get description() {
    const { highlighted: mask, shown } = this;
    if (!mask) return '';
    const { width, height } = frameSize(this.frame);
    const share = mask.area / (width * height);
    const object = this.objectOf(mask);
    const size = tr('{share} of the picture', {
      share: percent(share, { maximumFractionDigits: share < 0.01 ? 1 : 0 }),
    });
    const place = tr('Mask {n} of {count}', { n: shown.indexOf(mask) + 1, count: shown.length });
    return commas([
      place,
      ratingWord(mask),
      size,
      object ? tr('taken as {name}', { name: objects.trait(object).name }) : '',
    ]);
  }

  // --- taking ---

  /**
   * Takes a mask, or gives it back where it was taken.
   * @param {Candidate} mask
   * @param {boolean} negative whether it may only be given back
   * @param {number} [seconds] that it took to decide
   */
  async toggle(mask, negative = false, seconds = undefined) {
    const now = performance.now();
    if (this.#toggled.id === mask.id && now - this.#toggled.at < DOUBLE_CLICK) return;
    this.#toggled = { id: mask.id, at: now };
    const object = this.objectOf(mask);
    if (object) return removeObject(object);
    if (negative) return;
    const { version } = state;
    const { frame } = this;
    const runs = await this.#runsOf(mask, frame);
    if (!runs || version !== state.version || this.objectOf(mask)) return;
    const next = this.#nextObject();
    const traits = madeByNetwork(mask, 'confirmed', seconds);
    if (!prompts.set(frame, next, { mask: runs }, undefined, [{ traits: next, set: traits }])) return;
    this.#found.set(mask.id, mask); // also if a fitted one has come meanwhile
    objects.select(next);
    announce(tr('Taken as {name}, {rating}', { name: objects.trait(next).name, rating: ratingWord(mask) }));
  }

  /**
   * Toggles the smallest one at a position, if there is one.
   * @param {Position} position
   * @param {boolean} negative
   */
  async toggleAt(position, negative) {
    const mask = this.at(position);
    if (mask) await this.toggle(mask, negative);
  }

  /**
   * The user does not want a mask: it is not offered again in stages, and counts as a proposal that was rejected.
   * @param {Candidate} mask
   * @param {number} seconds that it took to decide
   */
  async reject(mask, seconds) {
    const { version } = state;
    const { frame } = this;
    const runs = await this.#runsOf(mask, frame);
    if (!runs || version !== state.version || this.objectOf(mask) || this.#isRejected(mask)) return;
    if (JSON.stringify(runs).length > prompts.room.characters)
      return toast(tr('More would not fit into the project. Download the data set and begin anew.'));
    state.log.add([{ reject: frame, mask: runs, ...scoresOf(mask), seconds }]);
    emit('interaction');
    emit('log');
    await this.refresh();
  }

  /**
   * Takes all that are shown as one step, as many as fit, the best first.
   * @param {MaskOrigin} [source] whether a person has looked at them
   * @param {{ most?: number, seconds?: number }} [limits] `seconds` is the time that they took together
   * @returns {Promise<{ taken: number, left: number }>} `left` did not fit
   */
  async takeAll(source = 'automatic', { most = Infinity, seconds } = {}) {
    const wanted = this.shown.filter(mask => !this.objectOf(mask));
    if (!wanted.length || this.isTaking) return { taken: 0, left: 0 };
    this.isTaking = true;
    emit('automatic');
    const taken = await this.#takeAll(wanted, source, most, seconds);
    this.isTaking = false;
    emit('automatic');
    return { taken, left: wanted.length - taken };
  }

  /**
   * @param {Candidate[]} wanted
   * @param {MaskOrigin} source
   * @param {number} most
   * @param {number} [seconds]
   * @returns {Promise<number>} how many were taken
   */
  async #takeAll(wanted, source, most, seconds) {
    const { version } = state;
    const { frame } = this;
    const { room } = prompts;
    /** @type {{ mask: Candidate, runs: ReturnType<typeof encodeRuns> }[]} */
    const fitting = [];
    let characters = 0;
    for (const mask of wanted.slice(0, Math.min(room.objects, room.prompts, most))) {
      const runs = await this.#runsOf(mask, frame);
      if (version !== state.version) return 0;
      if (!runs) continue;
      characters += JSON.stringify(runs).length + 100;
      if (characters > room.characters) break;
      fitting.push({ mask, runs });
    }
    const first = this.#nextObject();
    /** @type {Entry[]} */
    const entries = fitting.flatMap(({ mask, runs }, place) => {
      const object = place ? Math.max(first, objects.unused - 1) + place : first;
      const set = madeByNetwork(mask, source, seconds && seconds / fitting.length);
      return [
        { frame, object, prompt: { mask: runs } },
        { traits: object, set },
      ];
    });
    prompts.addStep(entries, tr('Taking them all'));
    for (const { mask } of fitting) this.#found.set(mask.id, mask);
    if (most === Infinity) this.#sayTaken(fitting.length, wanted.length, room.objects);
    return fitting.length;
  }

  /**
   * @param {number} count
   * @param {number} wanted
   * @param {number} room for how many objects there was
   */
  #sayTaken(count, wanted, room) {
    if (count === wanted)
      return toast(
        plural(count, '{n} object taken. One undo takes it back.', '{n} objects taken. One undo takes them back.'),
        'hint',
      );
    const counts = { count, most: about.max_objects };
    toast(
      count === room
        ? plural(
            wanted,
            '{count} of {n} mask fitted, the best ones were taken: {most} objects at a time is the limit.',
            '{count} of {n} masks fitted, the best ones were taken: {most} objects at a time is the limit.',
            counts,
          )
        : plural(
            wanted,
            '{count} of {n} mask fitted, the best ones were taken: more would not fit into the project.',
            '{count} of {n} masks fitted, the best ones were taken: more would not fit into the project.',
            counts,
          ),
    );
  }

  /** The selected object while it has no prompts, else a new one. */
  #nextObject() {
    const { log, active } = state;
    return log.prompts.has(active) || objects.trait(active).locked ? objects.unused : active;
  }

  /**
   * @param {Candidate} mask
   * @param {number} frame
   */
  async #runsOf(mask, frame) {
    const { width, height } = frameSize(frame);
    const pixels = mask.runs ? null : await pixelsOf(mask).catch(() => null);
    if (pixels) mask.runs = encodeRuns(pixels, width, height, mask.place);
    if (mask.runs && mask.runs.counts.length <= about.max_mask) return mask.runs;
    return undefined;
  }
}

/**
 * Thresholds that only leave what a network is quite sure of: half way between its own and 1.
 * @param {AutomaticStartedEvent} settings
 * @returns {Partial<Thresholds>}
 */
export const confidentThresholds = ({ min_predicted_iou, min_stability }) => ({
  min_predicted_iou: (1 + min_predicted_iou) / 2,
  min_stability: (1 + min_stability) / 2,
});

export const automatic = new AutomaticMasks();

export function setUpAutomaticMasks() {
  on('server-automatic_started', event => automatic.started(event));
  on('server-automatic_masks', message => automatic.received(message));
  on('server-progress', event => automatic.progressed(event));
  on('server-done', event => automatic.ended(event));
  on('server-error', event => automatic.failed(event));

  const refreshSoon = oncePerFrame(() => automatic.refresh());
  on('log objects masks', () => {
    if (automatic.isOn) refreshSoon();
  });
  on('frame', () => automatic.frameChanged());
  on('medium', () => automatic.forget());
  on('server-model', ({ name }) => {
    if (state.model.name === name) return;
    automatic.forget();
    if (automatic.settings) automatic.clear(tr('Another model: find everything again with it.'));
  });
  on('server-hello', ({ everything }) => automatic.reconnected(everything));
  on('connection', status => {
    if (status === 'gone' || status === 'taken') automatic.interrupt();
  });
}
