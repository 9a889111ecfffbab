// The list of objects. A row is made once for an object and then only changed where something differs. The tab key goes
// through the controls of the selected row, the up and down keys go from row to row.

import { arrowStep } from '../core/menus.js';
import { objects } from '../core/objects.js';
import { find, listen, root } from '../core/page.js';
import { ratedMask } from '../core/provenance.js';
import { verdictOn } from '../core/reviews.js';
import { state } from '../core/store.js';
import { MAX_LABEL_LENGTH, MAX_NAME_LENGTH } from '../core/traits.js';
import { make, scrollWithin, setIcon, targetOf } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { explainRating, showRating } from '../shared/ratings.js';
import { oncePerFrame } from '../shared/refresh.js';
import { addObject } from '../tools/object_actions.js';
import { masks } from '../viewport/masks.js';
import { thumbnailObserver } from './object_thumbnails.js';
import { showVerdict } from './reviews.js';
import { showTab } from './side_tabs.js';

export const objectList = find('objects');
const labelOptions = /** @type {HTMLDataListElement} */ (root.querySelector('#mk-labels'));
/** @type {Map<number, HTMLElement>} */
export const rows = new Map();
/** @type {WeakMap<HTMLElement, string>} */
const shownStates = new WeakMap(); // row -> what it shows, as JSON
const CONTROLS = /** @type {const} */ (['pick', 'name', 'swatch', 'label', 'eye', 'dots']);
const SCROLL_EDGE = 28; // CSS pixels: where a dragged row scrolls the list
const SCROLL_STEP = 10;
/** @typedef {CONTROLS[number]} Control */

/** @param {number} id */
function makeRow(id) {
  const row = /** @type {HTMLElement} */ (find('row-template').content.firstElementChild?.cloneNode(true));
  row.dataset.object = `${id}`;
  Object.assign(find('name', row), { maxLength: MAX_NAME_LENGTH, placeholder: tr('Object {id}', { id }) });
  find('label', row).maxLength = MAX_LABEL_LENGTH;
  rows.set(id, row);
  thumbnailObserver.observe(row);
  return row;
}

/**
 * The mask on the frame that is shown, without its pixels.
 * @param {number} id
 */
function maskHere(id) {
  const record = masks.on(state.frame).get(id);
  return record && { area: record.area, ...pickRating(ratedMask(id, state.frame, record)) };
}

/** @param {import('../shared/ratings.js').RatedMask} mask */
const pickRating = ({ rating, predicted_iou }) => ({ rating, predicted_iou });

/**
 * @param {HTMLElement} element
 * @param {ReturnType<typeof maskHere>} mask
 */
function showScore(element, mask) {
  element.title = !mask ? '' : mask.area ? explainRating(mask) : tr('The object is not in this frame');
  if (mask?.area) return showRating(element, mask);
  delete element.dataset.rating;
  element.textContent = mask ? tr('not here') : '';
}

/** @param {number} id */
const rowState = id => ({
  ...objects.trait(id),
  id,
  visible: objects.isVisible(id),
  mask: maskHere(id),
  verdict: verdictOn(state.reviews, id),
  active: id === state.active,
  shownColor: objects.color(id),
});
/** @typedef {ReturnType<typeof rowState>} RowState */

/** @param {number} id */
function updateRow(id) {
  const row = rows.get(id) ?? makeRow(id);
  const shown = rowState(id);
  const text = JSON.stringify(shown);
  if (shownStates.get(row) === text) return;
  shownStates.set(row, text);
  row.classList.toggle('mk-active', shown.active);
  row.classList.toggle('mk-hidden', !shown.visible);
  row.classList.toggle('mk-is-locked', shown.locked);
  row.style.setProperty('--color', shown.shownColor);
  for (const name of CONTROLS) find(name, row).tabIndex = shown.active ? 0 : -1;
  showScore(find('score', row), shown.mask);
  showVerdict(row, shown.verdict);
  updateInputs(row, shown);
  updateButtons(row, shown);
}

/**
 * @param {HTMLElement} row
 * @param {RowState} shown
 */
function updateInputs(row, { id, name, label, color }) {
  const [nameInput, labelInput, swatch] = [find('name', row), find('label', row), find('swatch', row)];
  if (document.activeElement !== nameInput) nameInput.value = name;
  if (document.activeElement !== labelInput) labelInput.value = label;
  if (swatch.value !== color) swatch.value = color;
  nameInput.title = name;
  labelInput.title = label;
  labelInput.classList.toggle('mk-blank', !label);
  nameInput.setAttribute('aria-label', tr('Name of object {id}', { id }));
  labelInput.setAttribute('aria-label', tr('Class of {name}', { name }));
  swatch.setAttribute('aria-label', tr('Color of {name}', { name }));
}

/**
 * @param {HTMLElement} row
 * @param {RowState} shown
 */
function updateButtons(row, { name, visible, active, solo, locked }) {
  const [pick, eye] = [find('pick', row), find('eye', row)];
  setIcon(eye, solo ? 'solo' : visible ? 'eye' : 'eye-off');
  eye.title = visible ? tr('Hide (X)') : tr('Show (X)');
  eye.setAttribute('aria-label', tr('Hide {name}', { name }));
  eye.setAttribute('aria-pressed', String(!visible));
  eye.classList.toggle('mk-solo', solo);
  pick.setAttribute('aria-label', locked ? tr('Select {name}, locked', { name }) : tr('Select {name}', { name }));
  if (active) row.setAttribute('aria-current', 'true');
  else row.removeAttribute('aria-current');
  pick.setAttribute('aria-pressed', String(active));
  pick.title = locked ? tr('Locked. Unlock it with K or in the menu') : '';
  find('dots', row).setAttribute('aria-label', tr('More for {name}', { name }));
}

const elsewhere = find('elsewhere');
let showsElsewhere = false;

/** Rows that can be seen, in their order: those of the frame, then the others where they are unfolded. */
function shownRows() {
  const { listed, here } = objects;
  return showsElsewhere ? [...here, ...listed.filter(id => !here.includes(id))] : here;
}

/**
 * Puts the rows in order: those of the frame, then the others behind their heading. A row that moves while it has the focus
 * keeps it.
 * @param {number[]} listed
 */
function placeRows(listed) {
  const focused = document.activeElement;
  const { here } = objects;
  const others = listed.filter(id => !here.includes(id));
  const rowOf = (/** @type {number} */ id) => rows.get(id) ?? makeRow(id);
  [...here.map(rowOf), elsewhere, ...others.map(rowOf)].forEach((item, place) => {
    if (objectList.children[place] !== item) objectList.insertBefore(item, objectList.children[place] ?? null);
  });
  elsewhere.hidden = !others.length;
  find('elsewhere-toggle').setAttribute('aria-expanded', String(showsElsewhere));
  find('elsewhere-count').textContent = `${others.length}`;
  for (const id of listed) {
    const isElsewhere = others.includes(id);
    rowOf(id).hidden = isElsewhere && !showsElsewhere;
    rowOf(id).classList.toggle('mk-is-elsewhere', isElsewhere);
  }
  if (focused instanceof HTMLElement && objectList.contains(focused) && document.activeElement !== focused)
    focused.focus({ preventScroll: true });
}

export function updateObjects() {
  const { listed } = objects;
  const removed = [...rows].filter(([id]) => !listed.includes(id));
  const hadFocus = removed.some(([, row]) => row.contains(document.activeElement));
  for (const [id, row] of removed) {
    thumbnailObserver.unobserve(row);
    row.remove();
    rows.delete(id);
  }
  placeRows(listed);
  for (const id of listed) updateRow(id);
  if (hadFocus) focusOn(state.active, 'pick');
  if (revealed !== state.active) reveal(state.active);
  root.classList.toggle('mk-no-objects', !listed.length);
  find('count').textContent = `${state.log.prompts.size || ''}`;
  updateAllButton(listed);
  updateLabelOptions();
}

let revealed = 0; // object
/** @param {number} id */
export function reveal(id) {
  revealed = id;
  const row = rows.get(id);
  if (row) scrollWithin(objectList, row);
}

/** @param {number[]} listed */
function updateAllButton(listed) {
  const isAnyHidden = listed.some(id => !objects.isVisible(id));
  const button = find('all');
  button.disabled = !listed.length;
  button.title = isAnyHidden ? tr('Show all objects') : tr('Hide all objects');
  button.setAttribute('aria-pressed', String(isAnyHidden));
  setIcon(button, isAnyHidden ? 'eye-off' : 'eye');
}

/** Labels that are in use are offered for the other objects. */
function updateLabelOptions() {
  const { labels } = objects;
  const text = labels.join('\n');
  if (labelOptions.dataset.labels === text) return;
  labelOptions.dataset.labels = text;
  labelOptions.replaceChildren(...labels.map(label => Object.assign(make('option'), { value: label })));
}

const updateObjectsSoon = oncePerFrame(updateObjects);

// --- actions on a row ---

/** @param {Event} event */
export const objectAt = event => {
  /** @type {HTMLElement | null} */
  const row = targetOf(event).closest('.mk-object');
  return Number(row?.dataset.object) || null;
};
/** @param {Event} event */
const controlAt = event => CONTROLS.find(name => targetOf(event).closest(`.mk-${name}`));
/** @param {Event} event */
const textInputAt = event => {
  const { target } = event;
  return target instanceof HTMLInputElement && target.matches('.mk-name, .mk-label') ? target : null;
};

/**
 * @param {number} id
 * @param {Control} control
 */
export function focusRow(id, control = 'pick') {
  showTab('objects');
  updateObjects();
  focusOn(id, control);
}

/**
 * @param {number} id
 * @param {Control} control
 */
function focusOn(id, control) {
  const row = rows.get(id);
  const target = row ? find(control, row) : find('add');
  target.focus();
  if (row && (control === 'name' || control === 'label')) find(control, row).select();
}

/**
 * Enter takes over what was typed, Escape the former text.
 * @param {KeyboardEvent} event
 * @param {number} id
 * @param {HTMLInputElement} input
 */
function endTyping(event, id, input) {
  if (event.key !== 'Enter' && event.key !== 'Escape') return;
  const { name, label } = objects.trait(id);
  if (event.key === 'Escape') input.value = input.matches('.mk-name') ? name : label;
  event.stopPropagation();
  focusRow(id);
}

/** @param {KeyboardEvent} event */
function handleKey(event) {
  const step = arrowStep(event);
  const id = objectAt(event);
  if (!id) return;
  const input = textInputAt(event);
  if (input) return endTyping(event, id, input);
  if (!step || event.altKey) return;
  const shown = shownRows();
  const next = shown[shown.indexOf(id) + step];
  event.preventDefault();
  if (!next) return;
  objects.select(next);
  focusRow(next, controlAt(event));
}

// --- dragging a row by its grip ---

/** @type {{ id: number, row: HTMLElement } | null} */
let dragged = null;

/** @param {PointerEvent} event */
function startDrag(event) {
  const id = objectAt(event);
  const row = id && rows.get(id);
  if (!row || !targetOf(event).closest('.mk-grip') || event.button !== 0) return;
  event.preventDefault();
  dragged = { id, row };
  objectList.setPointerCapture(event.pointerId); // rows change places under the pointer, the list stays
  row.classList.add('mk-dragged');
}

/** @param {PointerEvent} event */
function drag({ clientY }) {
  if (!dragged) return;
  const { id } = dragged;
  const { top, bottom } = objectList.getBoundingClientRect();
  if (clientY < top + SCROLL_EDGE) objectList.scrollTop -= SCROLL_STEP;
  if (clientY > bottom - SCROLL_EDGE) objectList.scrollTop += SCROLL_STEP;
  const isAbove = (/** @type {number} */ other) => {
    const box = rows.get(other)?.getBoundingClientRect();
    return box && box.top + box.height / 2 < clientY;
  };
  const { listed } = objects;
  const others = shownRows().filter(other => other !== id);
  const above = others.filter(isAbove).length;
  const rest = listed.filter(other => other !== id);
  const to = above ? rest.indexOf(others[above - 1]) + 1 : rest.indexOf(others[0]);
  if (to !== listed.indexOf(id)) objects.previewTraits(objects.arranged(id, to));
}

/** @param {() => void} finish */
function endDrag(finish) {
  if (!dragged) return;
  dragged.row.classList.remove('mk-dragged');
  dragged = null;
  finish();
}

export function setUpObjectList() {
  listen(objectList, 'click', event => {
    const id = objectAt(event);
    const control = controlAt(event);
    if (!id) return;
    if (control === 'eye') objects.toggle(id);
    else if (control === 'dots') emit('object-menu', id);
    else if (id !== state.active) objects.select(id);
  });
  listen(objectList, 'contextmenu', event => {
    const id = objectAt(event);
    if (!id || event.target === document.activeElement) return;
    event.preventDefault();
    emit('object-menu', id);
  });

  // The first click on a row selects it; only the next one edits, or each tap on a phone would bring up its keyboard.
  listen(objectList, 'mousedown', event => {
    if (textInputAt(event) && objectAt(event) !== state.active) event.preventDefault();
  });

  listen(objectList, 'input', event => {
    const id = objectAt(event);
    if (id && controlAt(event) === 'swatch')
      objects.previewTraits(new Map([[id, { color: find('swatch', rows.get(id)).value }]]));
  });
  listen(objectList, 'change', event => {
    const id = objectAt(event);
    const input = textInputAt(event);
    if (controlAt(event) === 'swatch') objects.commitTraits();
    else if (id && input) objects.set(id, { [input.matches('.mk-name') ? 'name' : 'label']: input.value });
  });
  listen(objectList, 'focusout', event => {
    const row = rows.get(objectAt(event) ?? 0);
    if (!row || !textInputAt(event)) return;
    shownStates.delete(row); // what was typed may differ from the trait
    updateObjectsSoon();
  });
  listen(objectList, 'keydown', handleKey);

  listen(objectList, 'pointerdown', startDrag);
  listen(objectList, 'pointermove', drag);
  listen(objectList, 'pointerup', () => endDrag(() => objects.commitTraits()));
  listen(objectList, 'pointercancel', () => endDrag(() => objects.previewTraits(null)));

  listen(find('elsewhere-toggle'), 'click', () => {
    showsElsewhere = !showsElsewhere;
    updateObjects();
  });
  listen(find('add'), 'click', addObject);
  listen(find('all'), 'click', () => objects.toggleAll());
  on('docked', () => reveal(state.active));
  on('objects log masks frame medium reviews', updateObjectsSoon);
}
