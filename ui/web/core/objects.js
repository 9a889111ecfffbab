// The objects: which there are, in what order, and what they look like. Traits are steps of the edit log, so that they can
// be undone; visibility is not.

/** @import { ExportObject } from '../protocol.js' */

import { emit, on } from '../shared/events.js';
import { plural, tr } from '../shared/language.js';
import { isAlbum } from './media.js';
import { announce, toast } from './notices.js';
import { about, fingersOnly } from './page.js';
import { state, update } from './store.js';
import { sanitizeTraits } from './traits.js';

/** @param {number} id */
const colorOf = id => about.colors[(id - 1) % about.colors.length];

export const objects = {
  /**
   * The traits that were set, else the defaults.
   * @param {number} id
   * @returns {Traits}
   */
  traits(id) {
    const defaults = { name: '', label: '', color: colorOf(id), place: id, locked: false };
    return { ...defaults, ...state.log.traits.get(id), ...state.liveTraits?.get(id) };
  },

  /**
   * The traits as they are shown.
   * @param {number} id
   */
  trait(id) {
    const traits = this.traits(id);
    return {
      ...traits,
      name: traits.name || tr('Object {id}', { id }),
      hidden: state.hiddenObjects.has(id),
      solo: state.soloObject === id,
    };
  },
  /**
   * The color in which the object is shown.
   * @param {number} id
   */
  color(id) {
    const { label, color } = this.trait(id);
    if (!state.colorByClass || !label) return color;
    const first = this.listed.find(other => this.traits(other).label === label);
    return first === undefined ? color : this.traits(first).color;
  },
  /** @param {number} id */
  isVisible(id) {
    return state.soloObject === null ? !state.hiddenObjects.has(id) : state.soloObject === id;
  },

  /** Objects that have prompts, and the one that the next click starts. */
  get listed() {
    const ids = new Set(state.log.prompts.keys());
    if (ids.size) ids.add(state.active);
    return [...ids].sort((a, b) => this.traits(a).place - this.traits(b).place || a - b);
  },

  /** Those of the list that are on the frame that is shown: objects of an album are per photo. */
  get here() {
    const isHere = (/** @type {number} */ id) => id === state.active || state.log.prompts.get(id)?.has(state.frame);
    return isAlbum() ? this.listed.filter(isHere) : this.listed;
  },

  /** Classes in use, in the order in which they came. */
  get labels() {
    return [...new Set([...state.log.traits.values()].flatMap(({ label }) => label || []))];
  },

  // --- traits ---

  /**
   * @param {number} id
   * @param {Partial<Traits>} set
   */
  set(id, set) {
    this.setAll(new Map([[id, set]]));
  },

  /**
   * Sets traits as one step, without those that do not change.
   * @param {Map<number, Partial<Traits>>} changes
   */
  setAll(changes) {
    update({ liveTraits: null });
    const entries = [...changes]
      .map(([id, set]) => {
        /** @type {Record<string, unknown>} */
        const now = { ...this.traits(id) };
        const news = Object.entries(sanitizeTraits(set)).filter(([name, value]) => now[name] !== value);
        return { traits: id, set: Object.fromEntries(news) };
      })
      .filter(({ set }) => Object.keys(set).length);
    if (entries.length) state.log.add(entries);
    emit('log');
  },

  /**
   * While a color or a place is being dragged: shows traits without a step.
   * @param {Map<number, Partial<Traits>> | null} changes
   */
  previewTraits(changes) {
    update({ liveTraits: changes && new Map([...changes].map(([id, set]) => [id, sanitizeTraits(set)])) });
    emit('objects');
  },

  commitTraits() {
    if (state.liveTraits) this.setAll(state.liveTraits);
  },

  /**
   * Places of all objects with one at another position of the list.
   * @param {number} id
   * @param {number} to
   */
  arranged(id, to) {
    const listed = this.listed;
    const order = listed.filter(other => other !== id);
    /** @type {Map<number, Partial<Traits>>} */
    const places = new Map();
    order.splice(to, 0, id);
    let place = -Infinity;
    order.forEach((other, at) => {
      place = Math.max(this.traits(listed[at]).place, place + 1);
      places.set(other, { place });
    });
    return places;
  },

  /**
   * @param {number} id
   * @param {number} step
   */
  move(id, step) {
    const listed = this.listed;
    const to = listed.indexOf(id) + step;
    if (!listed.includes(id) || to < 0 || to >= listed.length) return;
    this.setAll(this.arranged(id, to));
    announce(tr('{name} is number {n} of {count}', { name: this.trait(id).name, n: to + 1, count: listed.length }));
  },

  /** @param {number} id */
  lock(id) {
    const { name, locked } = this.trait(id);
    this.set(id, { locked: !locked });
    announce(locked ? tr('{name} unlocked', { name }) : tr('{name} locked', { name }));
  },

  /** @param {number[]} ids */
  unlocked(ids) {
    const free = ids.filter(id => !this.trait(id).locked);
    if (free.length < ids.length) toast(tr('Locked objects stay as they are.'), 'hint');
    return free;
  },

  /**
   * Whether the object can be changed; a toast says why not.
   * @param {number} id
   */
  isFree(id) {
    const { name, locked } = this.trait(id);
    if (locked)
      toast(
        fingersOnly
          ? tr('{name} is locked. Unlock it in its menu, or choose another object.', { name })
          : tr('{name} is locked. Unlock it with K, or choose another object.', { name }),
        'hint',
      );
    return !locked;
  },

  // --- what is there ---

  /** A number that no object has or had. */
  get unused() {
    return Math.max(state.log.newest, state.reservedObjects) + 1;
  },

  /**
   * Whether the object can get a prompt; a toast says why not. It is visible then.
   * @param {number} id
   */
  mayHave(id) {
    const { prompts } = state.log;
    if (!this.isFree(id)) return false;
    if (!prompts.has(id) && prompts.size >= about.max_objects) {
      toast(
        plural(
          about.max_objects,
          '{n} object at a time is the limit. Remove one first.',
          '{n} objects at a time is the limit. Remove one first.',
        ),
      );
      return false;
    }
    state.hiddenObjects.delete(id);
    if (state.soloObject !== null) update({ soloObject: id });
    return true;
  },

  /** @param {number} id which is then the only visible one, where one was */
  select(id) {
    update({ active: id });
    if (state.soloObject !== null) update({ soloObject: id });
    announce(tr('{name} selected', { name: this.trait(id).name }));
    emit('objects');
  },

  // --- what is seen ---

  /** @param {number} id */
  toggle(id) {
    const { name } = this.trait(id);
    const visible = this.isVisible(id);
    update({ soloObject: null });
    if (visible) state.hiddenObjects.add(id);
    else state.hiddenObjects.delete(id);
    announce(visible ? tr('{name} hidden', { name }) : tr('{name} shown', { name }));
    emit('objects');
  },

  /** @param {number} id */
  toggleSolo(id) {
    update({ soloObject: state.soloObject === id ? null : id });
    announce(
      state.soloObject === null
        ? tr('All objects are shown')
        : tr('Only {name} is shown', { name: this.trait(id).name }),
    );
    emit('objects');
  },

  /** Hides all, or shows all where some are hidden. */
  toggleAll() {
    const showing = this.listed.some(id => !this.isVisible(id));
    update({ soloObject: null, hiddenObjects: new Set(showing ? [] : this.listed) });
    announce(showing ? tr('All objects are shown') : tr('All objects are hidden'));
    emit('objects');
  },

  forExport() {
    return this.known().filter(({ id }) => this.isVisible(id));
  },

  /**
   * Objects that have prompts, as export requests list them.
   * @returns {ExportObject[]}
   */
  known() {
    return this.listed
      .filter(id => state.log.prompts.has(id))
      .map(id => {
        const { name, label, color, stage = 'assisted', source = 'person', ...made } = this.trait(id);
        const { seconds, predicted_iou, stability_score, rating } = made;
        const channel = (/** @type {number} */ at) => Number.parseInt(color.slice(at, at + 2), 16);
        const provenance = { stage, source, seconds, predicted_iou, stability_score, rating };
        return { id, name, label, color: [channel(1), channel(3), channel(5)], provenance };
      });
  },

  /** The visibility that is saved beside the edit log. */
  get look() {
    return { hidden: [...state.hiddenObjects], solo: state.soloObject };
  },
  set look(saved) {
    update({ hiddenObjects: new Set(saved?.hidden), soloObject: saved?.solo ?? null });
  },

  clear() {
    update({ hiddenObjects: new Set(), soloObject: null, liveTraits: null, active: 1 });
  },
};

export function setUpObjects() {
  // On another photo a click starts another object, unless one was selected there.
  on('frame', () => {
    const { prompts } = state.log;
    if (!isAlbum() || !prompts.has(state.active) || prompts.get(state.active)?.has(state.frame)) return;
    update({ active: objects.here.find(id => id !== state.active) ?? objects.unused });
    if (state.soloObject !== null) update({ soloObject: null });
    emit('objects');
  });
  // An object that was removed, also by undo, is not the only visible one any more.
  on('log', () => {
    if (state.soloObject !== null && !objects.listed.includes(state.soloObject)) update({ soloObject: null });
  });
}
