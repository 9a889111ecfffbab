// The objects: which there are, in what order, and what they look like. What the user says of them stands in the journal,
// so that it can be undone; what is hidden at the moment does not.

import { emit, on } from '../shared/events.js';
import { announce, toast } from './notices.js';
import { about, fingersOnly } from './page.js';
import { state, update } from './store.js';
import { sanitizeTraits } from './traits.js';

const colorOf = id => about.colors[(id - 1) % about.colors.length];

export const objects = {
  // What was said of an object, over what it is by itself.
  said(id) {
    const itself = { name: '', label: '', color: colorOf(id), place: id, locked: false };
    return { ...itself, ...state.log.traits.get(id), ...state.liveTraits?.get(id) };
  },

  trait(id) {
    const said = this.said(id);
    return {
      ...said,
      name: said.name || `Object ${id}`,
      hidden: state.hiddenObjects.has(id),
      solo: state.soloObject === id,
    };
  },
  color(id) {
    return this.trait(id).color;
  },
  isVisible(id) {
    return state.soloObject === null ? !state.hiddenObjects.has(id) : state.soloObject === id;
  },

  // Those that something is said about, and the one that the next click starts.
  get listed() {
    const ids = new Set(state.log.prompts.keys());
    if (ids.size) ids.add(state.active);
    const places = new Map([...ids].map(id => [id, this.said(id).place]));
    return [...ids].sort((a, b) => places.get(a) - places.get(b) || a - b);
  },

  get labels() {
    return [...new Set([...state.log.traits.values()].map(each => each.label).filter(Boolean))].sort();
  },

  // --- traits ---

  set(id, set) {
    this.setAll(new Map([[id, set]]));
  },

  // object -> traits, as one step. What is so already is left out.
  setAll(wished) {
    update({ liveTraits: null });
    const entries = [...wished]
      .map(([id, set]) => {
        const now = this.said(id);
        const news = Object.entries(sanitizeTraits(set)).filter(([name, value]) => now[name] !== value);
        return { traits: id, set: Object.fromEntries(news) };
      })
      .filter(({ set }) => Object.keys(set).length);
    if (entries.length) state.log.add(entries);
    emit('log');
  },

  // While a color or a place is being dragged about.
  tryAll(wished) {
    update({ liveTraits: wished && new Map([...wished].map(([id, set]) => [id, sanitizeTraits(set)])) });
    emit('objects');
  },

  settle() {
    if (state.liveTraits) this.setAll(state.liveTraits);
  },

  // The same places dealt out anew, with an object at another position of the list.
  arranged(id, to) {
    const listed = this.listed;
    const order = listed.filter(other => other !== id);
    const dealt = new Map();
    order.splice(to, 0, id);
    let place = -Infinity;
    order.forEach((other, at) => {
      place = Math.max(this.said(listed[at]).place, place + 1);
      dealt.set(other, { place });
    });
    return dealt;
  },

  move(id, step) {
    const listed = this.listed;
    const to = listed.indexOf(id) + step;
    if (!listed.includes(id) || to < 0 || to >= listed.length) return;
    this.setAll(this.arranged(id, to));
    announce(`${this.trait(id).name} is number ${to + 1} of ${listed.length}`);
  },

  lock(id) {
    const { name, locked } = this.trait(id);
    this.set(id, { locked: !locked });
    announce(`${name} ${locked ? 'unlocked' : 'locked'}`);
  },

  unlocked(ids) {
    const free = ids.filter(id => !this.trait(id).locked);
    if (free.length < ids.length) toast('Locked objects stay as they are.', 'hint');
    return free;
  },

  // Says why an object cannot be changed, where it cannot.
  isFree(id) {
    const { name, locked } = this.trait(id);
    if (locked)
      toast(
        `${name} is locked. Unlock it ${fingersOnly ? 'in its menu' : 'with K'}, or choose another object.`,
        'hint',
      );
    return !locked;
  },

  // --- what is there ---

  mayHave(id) {
    const said = state.log.prompts;
    if (!this.isFree(id)) return false;
    if (!said.has(id) && said.size >= about.max_objects) {
      toast(`${about.max_objects} objects at a time is the limit. Remove one first.`);
      return false;
    }
    state.hiddenObjects.delete(id);
    if (state.soloObject !== null) update({ soloObject: id });
    return true;
  },

  // Whoever looks at one object alone and selects another looks at that one.
  select(id) {
    update({ active: id });
    if (state.soloObject !== null) update({ soloObject: id });
    announce(`${this.trait(id).name} selected`);
    emit('objects');
  },

  // --- what is seen ---

  toggle(id) {
    const visible = this.isVisible(id);
    update({ soloObject: null });
    if (visible) state.hiddenObjects.add(id);
    else state.hiddenObjects.delete(id);
    announce(`${this.trait(id).name} ${visible ? 'hidden' : 'shown'}`);
    emit('objects');
  },

  toggleSolo(id) {
    update({ soloObject: state.soloObject === id ? null : id });
    announce(state.soloObject === null ? 'All objects are shown' : `Only ${this.trait(id).name} is shown`);
    emit('objects');
  },

  // Hides all, or shows all where some are hidden.
  toggleAll() {
    const showing = this.listed.some(id => !this.isVisible(id));
    update({ soloObject: null, hiddenObjects: new Set(showing ? [] : this.listed) });
    announce(showing ? 'All objects are shown' : 'All objects are hidden');
    emit('objects');
  },

  forExport() {
    return this.known().filter(({ id }) => this.isVisible(id));
  },

  // Those that something is said about, as downloads call them.
  known() {
    return this.listed
      .filter(id => state.log.prompts.has(id))
      .map(id => {
        const { name, label, color } = this.trait(id);
        return { id, name, label, color: [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16)) };
      });
  },

  // What a reload brings back beside the journal.
  get look() {
    return { hidden: [...state.hiddenObjects], solo: state.soloObject };
  },
  set look(kept) {
    update({ hiddenObjects: new Set(kept?.hidden), soloObject: kept?.solo ?? null });
  },

  clear() {
    this.look = null;
    update({ liveTraits: null, active: 1 });
  },
};

export function setUpObjects() {
  // What was removed, also by undo, is not looked at alone any more.
  on('log', () => {
    if (state.soloObject !== null && !objects.listed.includes(state.soloObject)) update({ soloObject: null });
  });
}
