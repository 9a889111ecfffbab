// The list of objects. A row is made once for an object and from then on only changed where something is new; with the
// tab key one gets to the controls of the selected row, with the up and down keys from row to row.

import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { state } from '../core/store.js';
import { MAX_LABEL_LENGTH, MAX_NAME_LENGTH } from '../core/traits.js';
import { make, setIcon } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { oncePerFrame } from '../shared/refresh.js';
import { clamp } from '../shared/values.js';
import { addObject } from '../tools/object_actions.js';
import { masks } from '../viewport/masks.js';
import { thumbnailObserver } from './object_thumbnails.js';
import { showVerdict, verdictOn } from './reviews.js';

export const objectList = find('objects');
export const rows = new Map(); // id -> its row in the list
const CONTROLS = ['pick', 'name', 'swatch', 'label', 'eye', 'dots'];

function makeRow(id) {
  const row = find('row-template').content.firstElementChild.cloneNode(true);
  row.dataset.object = id;
  Object.assign(find('name', row), { maxLength: MAX_NAME_LENGTH, placeholder: `Object ${id}` });
  find('label', row).maxLength = MAX_LABEL_LENGTH;
  thumbnailObserver.observe(row);
  return row;
}

function describeScore(id) {
  const record = masks.on(state.frame).get(id);
  if (!record) return ['', ''];
  if (!record.area) return ['not here', 'The object is not in this frame'];
  return [
    `fit ${Math.round(100 * clamp(record.predicted_iou, 0, 1))}%`,
    'How well the mask fits, as the network sees it (predicted IoU)',
  ];
}

function updateRow(row, id) {
  const seen = { visible: objects.isVisible(id), score: describeScore(id), verdict: verdictOn(id) };
  const trait = { ...objects.trait(id), ...seen, active: id === state.active };
  const news = JSON.stringify(trait);
  if (row.news === news) return;
  row.news = news;
  row.classList.toggle('mk-active', trait.active);
  row.classList.toggle('mk-hidden', !trait.visible);
  row.classList.toggle('mk-is-locked', trait.locked);
  row.style.setProperty('--color', trait.color);
  for (const name of CONTROLS) find(name, row).tabIndex = trait.active ? 0 : -1;
  const score = find('score', row);
  [score.textContent, score.title] = trait.score;
  showVerdict(row, trait.verdict);
  updateInputs(row, id, trait);
  updateButtons(row, trait);
}

function updateInputs(row, id, trait) {
  const [name, label, swatch] = ['name', 'label', 'swatch'].map(part => find(part, row));
  if (document.activeElement !== name) name.value = trait.name;
  if (document.activeElement !== label) label.value = trait.label;
  if (swatch.value !== trait.color) swatch.value = trait.color;
  name.title = trait.name;
  label.title = trait.label;
  label.classList.toggle('mk-blank', !trait.label);
  name.setAttribute('aria-label', `Name of object ${id}`);
  label.setAttribute('aria-label', `Class of ${trait.name}`);
  swatch.setAttribute('aria-label', `Color of ${trait.name}`);
}

function updateButtons(row, { name, visible, active, solo, locked }) {
  const [pick, eye] = ['pick', 'eye'].map(part => find(part, row));
  setIcon(eye, solo ? 'solo' : visible ? 'eye' : 'eye-off');
  eye.title = visible ? 'Hide (X)' : 'Show (X)';
  eye.setAttribute('aria-label', `Hide ${name}`);
  eye.setAttribute('aria-pressed', !visible);
  eye.classList.toggle('mk-solo', solo);
  pick.setAttribute('aria-label', `Select ${name}${locked ? ', locked' : ''}`);
  if (active) row.setAttribute('aria-current', 'true');
  else row.removeAttribute('aria-current');
  pick.setAttribute('aria-pressed', active);
  pick.title = locked ? 'Locked. Unlock it with K or in the menu' : '';
  find('dots', row).setAttribute('aria-label', `More for ${name}`);
}

// A row that moves while it has the focus keeps it.
function placeRows(listed) {
  const focused = document.activeElement;
  listed.forEach((id, place) => {
    if (!rows.has(id)) rows.set(id, makeRow(id));
    const row = rows.get(id);
    if (objectList.children[place] !== row) objectList.insertBefore(row, objectList.children[place] ?? null);
  });
  if (objectList.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

export function updateObjects() {
  const listed = objects.listed;
  const here = new Set(listed);
  const count = state.log.prompts.size;
  const gone = [...rows].filter(([id]) => !here.has(id));
  const focused = gone.some(([, row]) => row.contains(document.activeElement));
  for (const [id, row] of gone) {
    thumbnailObserver.unobserve(row);
    row.remove();
    rows.delete(id);
  }
  placeRows(listed);
  for (const id of listed) updateRow(rows.get(id), id);
  if (focused) focusOn(state.active, 'pick');
  if (revealed !== state.active) reveal(state.active);
  root.classList.toggle('mk-no-objects', !listed.length);
  find('count').textContent = count ? String(count) : '';
  updateAll(listed);
  updateLabels();
}

// Scrolls the list, never the page: on a phone the stage stays in sight.
let revealed = 0;
export function reveal(id) {
  revealed = id;
  if (!rows.has(id)) return;
  const row = rows.get(id).getBoundingClientRect();
  const seen = objectList.getBoundingClientRect();
  objectList.scrollTop += Math.min(0, row.top - seen.top) + Math.max(0, row.bottom - seen.bottom);
}

function updateAll(listed) {
  const some = listed.some(id => !objects.isVisible(id));
  const all = find('all');
  all.disabled = !listed.length;
  all.title = some ? 'Show all objects' : 'Hide all objects';
  all.setAttribute('aria-pressed', some);
  setIcon(all, some ? 'eye-off' : 'eye');
}

// Labels that are in use are offered for the other objects.
function updateLabels() {
  const offered = root.querySelector('#mk-labels');
  const labels = objects.labels;
  if (offered.dataset.labels === labels.join('\n')) return;
  offered.dataset.labels = labels.join('\n');
  offered.replaceChildren(...labels.map(label => Object.assign(make('option'), { value: label })));
}

// However much happens, the list is looked at once before the screen is drawn.
const updateObjectsSoon = oncePerFrame(updateObjects);

// --- what users do with a row ---

export const idOf = target => Number(target.closest('.mk-object')?.dataset.object) || null;
const partOf = target => CONTROLS.find(name => target.closest(`.mk-${name}`));

export function focusRow(id, part = 'pick') {
  updateObjects();
  focusOn(id, part);
}

function focusOn(id, part) {
  const target = rows.has(id) ? find(part, rows.get(id)) : find('add');
  target.focus();
  if (part === 'name' || part === 'label') target.select();
}

function typingKey(event) {
  if (event.key !== 'Enter' && event.key !== 'Escape') return;
  const id = idOf(event.target);
  const trait = objects.trait(id);
  if (event.key === 'Escape') event.target.value = trait[partOf(event.target)];
  event.stopPropagation();
  focusRow(id);
}

// --- dragging a row by its grip, with mouse, pen or finger ---

let draggedRow = null; // id

function endCarry(act) {
  if (!draggedRow) return;
  rows.get(draggedRow)?.classList.remove('mk-dragged');
  draggedRow = null;
  act();
}

export function setUpObjectList() {
  listen(objectList, 'click', event => {
    const id = idOf(event.target);
    const part = partOf(event.target);
    if (!id) return;
    if (part === 'eye') objects.toggle(id);
    else if (part === 'dots') emit('object-menu', id);
    else if (id !== state.active) objects.select(id);
  });
  listen(objectList, 'contextmenu', event => {
    if (!idOf(event.target) || event.target === document.activeElement) return;
    event.preventDefault();
    emit('object-menu', idOf(event.target));
  });

  // The first click on a row selects it; only the next one edits, or each tap on a phone would bring up its keyboard.
  listen(objectList, 'mousedown', event => {
    if (['name', 'label'].includes(partOf(event.target)) && idOf(event.target) !== state.active) event.preventDefault();
  });

  listen(objectList, 'input', event => {
    if (partOf(event.target) === 'swatch')
      objects.previewTraits(new Map([[idOf(event.target), { color: event.target.value }]]));
  });
  listen(objectList, 'change', event => {
    const id = idOf(event.target);
    const part = partOf(event.target);
    if (part === 'swatch') objects.commitTraits();
    else objects.set(id, { [part]: event.target.value });
  });
  listen(objectList, 'focusout', event => {
    const row = event.target.closest('.mk-object');
    if (row && event.target.matches('.mk-name, .mk-label')) {
      row.news = ''; // what was typed may differ from what came of it
      updateObjectsSoon();
    }
  });

  listen(objectList, 'keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const id = idOf(event.target);
    if (!id) return;
    if (event.target.matches('.mk-name, .mk-label')) return typingKey(event);
    if (!step || event.altKey) return;
    const listed = objects.listed;
    const next = listed[listed.indexOf(id) + step];
    event.preventDefault();
    if (!next) return;
    objects.select(next);
    focusRow(next, partOf(event.target));
  });

  listen(objectList, 'pointerdown', event => {
    if (!event.target.closest('.mk-grip') || event.button !== 0) return;
    event.preventDefault();
    draggedRow = idOf(event.target);
    objectList.setPointerCapture(event.pointerId); // rows change places under the pointer, the list stays
    rows.get(draggedRow).classList.add('mk-dragged');
  });

  listen(objectList, 'pointermove', event => {
    if (!draggedRow) return;
    const { top, bottom } = objectList.getBoundingClientRect();
    const edge = 28;
    if (event.clientY < top + edge) objectList.scrollTop -= 10;
    if (event.clientY > bottom - edge) objectList.scrollTop += 10;
    const listed = objects.listed;
    const middle = id => {
      const box = rows.get(id).getBoundingClientRect();
      return box.top + box.height / 2;
    };
    const to = listed.filter(id => id !== draggedRow && middle(id) < event.clientY).length;
    if (to !== listed.indexOf(draggedRow)) objects.previewTraits(objects.arranged(draggedRow, to));
  });
  listen(objectList, 'pointerup', () => endCarry(() => objects.commitTraits()));
  listen(objectList, 'pointercancel', () => endCarry(() => objects.previewTraits(null)));

  listen(find('add'), 'click', () => addObject());
  listen(find('all'), 'click', () => objects.toggleAll());
  on('objects log masks frame medium reviews', updateObjectsSoon);
}
