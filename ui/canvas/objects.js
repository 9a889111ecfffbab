// The objects: their names, colors and places in the list. What is said about them stands in the journal.

// Okabe and Ito's colors, which people with any kind of color vision can tell apart; then hues a golden angle apart.
const PALETTE = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#cc79a7', '#d55e00', '#0072b2'];
const paletteColor = id => PALETTE[id - 1] ?? hueColor((id * 137.508) % 360);

function hueColor(hue) {
  const part = n => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.35 * clamp(Math.min(k - 3, 9 - k), -1, 1))).toString(16).padStart(2, '0');
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

const objects = {
  traits: new Map(),             // id -> {name, color, hidden}; kept when an object is removed, for undo

  trait(id) {
    if (!this.traits.has(id)) this.traits.set(id, { name: `Object ${id}`, color: paletteColor(id), hidden: false });
    return this.traits.get(id);
  },
  color(id) { return this.trait(id).color; },
  isVisible(id) { return !this.trait(id).hidden; },

  // Those that something is said about, and the one that the next click starts.
  get listed() {
    const ids = new Set(journal.said.keys());
    if (ids.size) ids.add(state.active);
    return [...ids].sort((a, b) => a - b);
  },

  mayHave(id) {
    const said = journal.said;
    if (!said.has(id) && said.size >= about.max_objects) {
      toast(`${about.max_objects} objects at a time is the limit. Remove one first.`);
      return false;
    }
    this.trait(id).hidden = false;
    return true;
  },

  select(id) {
    state.active = id;
    this.trait(id);
    announce(`${this.trait(id).name} selected`);
    tell('objects');
  },

  // An object that nothing was said about yet is used before another one is made.
  addNew() {
    const said = journal.said, fresh = said.has(state.active) ? Math.max(...this.traits.keys(), 0) + 1 : state.active;
    this.select(fresh);
    setAdding(true);
    tip('Click on the next thing.');
  },

  remove(id) {
    const others = this.listed.filter(other => other !== id);
    if (state.active === id && others.length) state.active = others[others.length - 1];
    else if (state.active === id) state.active = Math.max(...this.traits.keys(), 0) + 1;
    prompts.remove(id);
    tell('objects');
  },

  toggle(id) {
    this.trait(id).hidden = !this.trait(id).hidden;
    tell('objects');
  },

  forExport() {
    return [...journal.said.keys()].filter(id => this.isVisible(id)).map(id => {
      const { name, color } = this.trait(id);
      return { id, name, color: [1, 3, 5].map(place => parseInt(color.slice(place, place + 2), 16)) };
    });
  },

  clear() {
    this.traits.clear();
    state.active = 1;
  },
};

const rows = new Map();          // id -> its row in the list

function makeRow(id) {
  const row = make('li', 'mk-object');
  const swatch = make('input', 'mk-swatch');
  Object.assign(swatch, { type: 'color', title: 'Color' });
  const name = make('input', 'mk-name');
  Object.assign(name, { type: 'text', maxLength: 80, spellcheck: false });
  const score = make('span', 'mk-score');
  const eye = iconButton('eye', 'Hide', 'mk-eye'), bin = iconButton('trash', 'Remove', 'mk-bin');
  row.append(swatch, name, score, eye, bin);
  row.onclick = event => { if (!eye.contains(event.target) && !bin.contains(event.target) && state.active !== id) objects.select(id); };
  swatch.oninput = () => { objects.trait(id).color = swatch.value; tell('objects'); };
  name.onchange = () => { objects.trait(id).name = name.value.trim() || `Object ${id}`; tell('objects'); };
  name.onkeydown = event => { if (event.key === 'Enter' || event.key === 'Escape') name.blur(); };
  eye.onclick = () => objects.toggle(id);
  bin.onclick = () => objects.remove(id);
  return row;
}

function describeScore(id) {
  const record = masks.on(state.frame).get(id);
  if (!record) return ['', ''];
  if (!record.area) return ['not here', 'The object is not in this frame'];
  return [`fit ${Math.round(100 * clamp(record.quality, 0, 1))}%`, 'How well the mask fits, as the network sees it (predicted IoU)'];
}

function updateRow(row, id) {
  const { name, color, hidden } = objects.trait(id), [swatch, label, score, eye, bin] = row.children;
  row.classList.toggle('mk-active', id === state.active);
  row.classList.toggle('mk-hidden', hidden);
  row.setAttribute('aria-current', id === state.active);
  if (swatch.value !== color) swatch.value = color;
  if (document.activeElement !== label) label.value = name;
  swatch.setAttribute('aria-label', `Color of ${name}`);
  label.setAttribute('aria-label', `Name of object ${id}`);
  [score.textContent, score.title] = describeScore(id);
  setIcon(eye, hidden ? 'eye-off' : 'eye');
  eye.title = hidden ? 'Show' : 'Hide';
  eye.setAttribute('aria-label', `${eye.title} ${name}`);
  eye.setAttribute('aria-pressed', hidden);
  bin.setAttribute('aria-label', `Remove ${name}`);
}

function updateObjects() {
  const listed = objects.listed, list = find('objects');
  for (const [id, row] of rows) if (!listed.includes(id)) { row.remove(); rows.delete(id); }
  listed.forEach((id, place) => {
    if (!rows.has(id)) rows.set(id, makeRow(id));
    const row = rows.get(id);
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    updateRow(row, id);
  });
  root.classList.toggle('mk-no-objects', !listed.length);
}

on(find('add'), 'click', () => objects.addNew());
when('objects journal masks frame medium', updateObjects);
