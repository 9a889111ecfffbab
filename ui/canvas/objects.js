// The objects: which there are, in what order, and what they look like. What the user says of them stands in the journal,
// so that it can be undone; what is hidden at the moment does not.

const NAME_LENGTH = 80, LABEL_LENGTH = 40;

const colorOf = id => about.colors[(id - 1) % about.colors.length];
const oneLine = text => String(text).replace(/\s+/g, ' ').trim();

// A journal may come from a file: only what a trait can be is taken over.
function saneTraits(set) {
  const sane = {};
  if (typeof set?.name === 'string') sane.name = oneLine(set.name).slice(0, NAME_LENGTH);
  if (typeof set?.label === 'string') sane.label = oneLine(set.label).slice(0, LABEL_LENGTH);
  if (/^#[0-9a-f]{6}$/i.test(set?.color)) sane.color = set.color.toLowerCase();
  if (Number.isFinite(set?.place)) sane.place = set.place;
  if (typeof set?.locked === 'boolean') sane.locked = set.locked;
  return sane;
}

const objects = {
  hidden: new Set(),
  solo: null,                    // the only one to be seen
  live: null,                    // object -> traits that are being dragged about: a step once they are let go

  // What was said of an object, over what it is by itself.
  said(id) {
    const itself = { name: '', label: '', color: colorOf(id), place: id, locked: false };
    return { ...itself, ...journal.traits.get(id), ...this.live?.get(id) };
  },

  trait(id) {
    const said = this.said(id);
    return { ...said, name: said.name || `Object ${id}`, hidden: this.hidden.has(id), solo: this.solo === id };
  },
  color(id) { return this.trait(id).color; },
  isVisible(id) { return this.solo === null ? !this.hidden.has(id) : this.solo === id; },

  // Those that something is said about, and the one that the next click starts.
  get listed() {
    const ids = new Set(journal.said.keys());
    if (ids.size) ids.add(state.active);
    const places = new Map([...ids].map(id => [id, this.said(id).place]));
    return [...ids].sort((a, b) => places.get(a) - places.get(b) || a - b);
  },

  get labels() { return [...new Set([...journal.traits.values()].map(each => each.label).filter(Boolean))].sort(); },

  // --- traits ---

  set(id, set) { this.setAll(new Map([[id, set]])); },

  // object -> traits, as one step. What is so already is left out.
  setAll(wished) {
    this.live = null;
    const entries = [...wished].map(([id, set]) => {
      const now = this.said(id), news = Object.entries(saneTraits(set)).filter(([name, value]) => now[name] !== value);
      return { traits: id, set: Object.fromEntries(news) };
    }).filter(({ set }) => Object.keys(set).length);
    if (entries.length) journal.add(entries);
    tell('journal');
  },

  // While a color or a place is being dragged about.
  tryAll(wished) {
    this.live = wished && new Map([...wished].map(([id, set]) => [id, saneTraits(set)]));
    tell('objects');
  },

  settle() { if (this.live) this.setAll(this.live); },

  // The same places dealt out anew, with an object at another position of the list.
  arranged(id, to) {
    const listed = this.listed, order = listed.filter(other => other !== id), dealt = new Map();
    order.splice(to, 0, id);
    let place = -Infinity;
    order.forEach((other, at) => {
      place = Math.max(this.said(listed[at]).place, place + 1);
      dealt.set(other, { place });
    });
    return dealt;
  },

  move(id, step) {
    const listed = this.listed, to = listed.indexOf(id) + step;
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
    if (locked) toast(`${name} is locked. Unlock it ${fingersOnly ? 'in its menu' : 'with K'}, or choose another object.`, 'hint');
    return !locked;
  },

  // --- what is there ---

  mayHave(id) {
    const said = journal.said;
    if (!this.isFree(id)) return false;
    if (!said.has(id) && said.size >= about.max_objects) {
      toast(`${about.max_objects} objects at a time is the limit. Remove one first.`);
      return false;
    }
    this.hidden.delete(id);
    if (this.solo !== null) this.solo = id;
    return true;
  },

  // Whoever looks at one object alone and selects another looks at that one.
  select(id) {
    state.active = id;
    if (this.solo !== null) this.solo = id;
    announce(`${this.trait(id).name} selected`);
    tell('objects');
  },

  // An object that nothing was said about yet is used before another one is made.
  addNew() {
    this.select(journal.said.has(state.active) ? journal.newest + 1 : state.active);
    setAdding(true);
    tip('Click on the next thing.');
  },

  remove(id) {
    if (!this.isFree(id)) return;
    const listed = this.listed, others = listed.filter(other => other !== id), { name } = this.trait(id);
    if (state.active === id) state.active = others[Math.min(listed.indexOf(id), others.length - 1)] ?? journal.newest + 1;
    if (this.solo === id) this.solo = null;
    prompts.remove(id);
    announce(`${name} removed`);
    tell('objects');
  },

  // --- what is seen ---

  toggle(id) {
    const visible = this.isVisible(id);
    this.solo = null;
    if (visible) this.hidden.add(id);
    else this.hidden.delete(id);
    announce(`${this.trait(id).name} ${visible ? 'hidden' : 'shown'}`);
    tell('objects');
  },

  toggleSolo(id) {
    this.solo = this.solo === id ? null : id;
    announce(this.solo === null ? 'All objects are shown' : `Only ${this.trait(id).name} is shown`);
    tell('objects');
  },

  // Hides all, or shows all where some are hidden.
  toggleAll() {
    const showing = this.listed.some(id => !this.isVisible(id));
    this.solo = null;
    this.hidden = new Set(showing ? [] : this.listed);
    announce(showing ? 'All objects are shown' : 'All objects are hidden');
    tell('objects');
  },

  // The object whose mask lies at this place of the frame; where several do, the next one below the selected one.
  async selectAt([x, y]) {
    const there = [];
    for (const id of this.listed.filter(each => this.isVisible(each)).reverse()) {
      const record = masks.on(state.frame).get(id);
      const sprite = record && await spriteOf(id, record);
      if (sprite?.ink.getImageData(x - sprite.x, y - sprite.y, 1, 1).data[3]) there.push(id);
    }
    if (!there.length) return toast('There is no mask here to select.', 'hint');
    this.select(there[(there.indexOf(state.active) + 1) % there.length]);
  },

  forExport() { return this.known().filter(({ id }) => this.isVisible(id)); },

  // Those that something is said about, as downloads call them.
  known() {
    return this.listed.filter(id => journal.said.has(id)).map(id => {
      const { name, label, color } = this.trait(id);
      return { id, name, label, color: [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16)) };
    });
  },

  // What a reload brings back beside the journal.
  get look() { return { hidden: [...this.hidden], solo: this.solo }; },
  set look(kept) {
    this.hidden = new Set(kept?.hidden);
    this.solo = kept?.solo ?? null;
  },

  clear() {
    this.look = null;
    this.live = null;
    state.active = 1;
  },
};

// With Ctrl held, a click selects, whatever the tool.
const selectTool = {
  down() {},
  move() {},
  up({ far, from }) { if (!far && hits(from)) objects.selectAt(from); },
  cancel() {},
};

// What was removed, also by undo, is not looked at alone any more.
when('journal', () => {
  if (objects.solo !== null && !objects.listed.includes(objects.solo)) objects.solo = null;
});
