// The objects: what they are called, whether they are shown, and what the reviewer thinks of each.

import { icon, make, setIcon } from '../../../../ui/web/shared/elements.js';
import { emit, on } from '../../../../ui/web/shared/events.js';
import { oncePerFrame } from '../../../../ui/web/shared/refresh.js';
import { about, announce, find, listen, objectOf, state, update } from './page.js';
import { MAX_TEXT_LENGTH, setVerdict, verdictOf } from './saved.js';
import { describe } from './timeline.js';

/** @type {Map<number, HTMLElement>} by the object's id */
const rows = new Map();

/** @param {ReviewedObject} object */
function makeRow({ id, name, label, color }) {
  const row = make('li', 'object');
  const words = make('div', 'object-words');
  const swatch = make('button', 'swatch');
  row.dataset.object = String(id);
  row.style.setProperty('--color', color);
  Object.assign(swatch, { type: 'button', title: 'Hide or show' });
  swatch.append(make('i'));
  const title = make('span', 'object-name', name);
  title.title = name;
  words.append(title, ...(label ? [make('span', 'object-label', label)] : []), make('span', 'object-facts'));
  const comment = make('textarea', 'comment');
  Object.assign(comment, { rows: 1, maxLength: MAX_TEXT_LENGTH });
  comment.setAttribute('aria-label', `Comment on ${name}`);
  const approve = verdictButton('approve', 'check', 'Approve', name);
  row.append(swatch, words, approve, verdictButton('needs-work', 'work', 'Needs work', name), comment);
  swatch.onclick = () => toggle(id);
  comment.oninput = () => {
    setVerdict(id, { comment: comment.value });
    emit('verdicts');
  };
  find('approve', row).onclick = () => judge(id, 'approved');
  find('needs-work', row).onclick = () => judge(id, 'needs_work');
  return row;
}

/**
 * @param {string} className
 * @param {string} sign
 * @param {string} text
 * @param {string} name of the object
 */
function verdictButton(className, sign, text, name) {
  const button = make('button', `verdict ${className}`);
  button.type = 'button';
  button.append(icon(sign), make('span', '', text));
  button.setAttribute('aria-label', `${text}: ${name}`);
  return button;
}

/**
 * A second click takes a verdict back.
 * @param {number} id
 * @param {ReviewVerdict} verdict
 */
function judge(id, verdict) {
  const now = verdictOf(id).verdict === verdict ? '' : verdict;
  setVerdict(id, { verdict: now });
  announce(`${objectOf(id)?.name}: ${now ? (now === 'approved' ? 'approved' : 'needs work') : 'no verdict'}`);
  emit('verdicts');
  if (now !== 'needs_work') return;
  const comment = find('comment', rows.get(id));
  comment.hidden = false;
  comment.focus();
}

/** @param {number} id */
export function toggle(id) {
  if (!state.hidden.delete(id)) state.hidden.add(id);
  announce(`${objectOf(id)?.name} ${state.hidden.has(id) ? 'hidden' : 'shown'}`);
  emit('look');
}

function toggleAll() {
  const showing = state.hidden.size > 0;
  update({ hidden: new Set(showing ? [] : about.objects.map(each => each.id)) });
  announce(showing ? 'All objects are shown' : 'All objects are hidden');
  emit('look');
}

/**
 * @param {HTMLElement} row
 * @param {ReviewedObject} object
 */
function updateRow(row, { id, name }) {
  const { verdict, comment } = verdictOf(id);
  const hidden = state.hidden.has(id);
  const field = find('comment', row);
  row.classList.toggle('hidden-object', hidden);
  find('swatch', row).setAttribute('aria-pressed', String(hidden));
  find('swatch', row).setAttribute('aria-label', `Hide ${name}`);
  find('object-facts', row).textContent = describe(id, state.place);
  find('approve', row).setAttribute('aria-pressed', String(verdict === 'approved'));
  find('needs-work', row).setAttribute('aria-pressed', String(verdict === 'needs_work'));
  field.hidden = !verdict && !comment && document.activeElement !== field;
  field.placeholder = verdict === 'needs_work' ? 'What should be better?' : 'Comment, if you like';
  if (document.activeElement !== field) field.value = comment;
}

/** @param {ReviewedObject} object */
const rowOf = ({ id }) => /** @type {HTMLElement} */ (rows.get(id));

export function updateObjects() {
  for (const each of about.objects) updateRow(rowOf(each), each);
  const judged = about.objects.filter(({ id }) => verdictOf(id).verdict).length;
  const total = about.objects.length;
  find('objects-count').textContent = total ? (judged ? `${judged} of ${total} judged` : String(total)) : '';
  find('all').setAttribute('aria-pressed', String(state.hidden.size > 0));
  setIcon(find('all'), state.hidden.size ? 'eye-off' : 'eye');
}

export function setUpObjects() {
  for (const each of about.objects) rows.set(each.id, makeRow(each));
  find('objects').append(...rows.values());
  find('objects-none').hidden = about.objects.length > 0;
  find('all').hidden = !about.objects.length;
  listen(find('all'), 'click', toggleAll);
  on('frame look verdicts', oncePerFrame(updateObjects));
}
