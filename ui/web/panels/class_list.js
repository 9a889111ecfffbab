// The classes in use, above the list of objects: a click or Shift with a digit gives one to the selected object, or takes it
// back.

import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find } from '../core/page.js';
import { state } from '../core/store.js';
import { make, makeButton } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';

const MAX_CLASSES = 9; // as many as there are digits
const list = find('classes');

/** @param {number} number from 1 on */
export function assignClass(number) {
  const label = objects.labels[number - 1];
  const id = state.active;
  if (!label || !state.log.prompts.has(id) || !objects.isFree(id)) return;
  const given = objects.trait(id).label === label ? '' : label;
  objects.set(id, { label: given });
  const { name } = objects.trait(id);
  announce(given ? tr('{name} is {label}', { name, label: given }) : tr('{name} has no class', { name }));
}

let shown = '';

function updateClasses() {
  const labels = objects.labels.slice(0, MAX_CLASSES);
  const { label } = objects.trait(state.active);
  const canAssign = state.log.prompts.has(state.active);
  const key = JSON.stringify([labels, label, canAssign]);
  if (key === shown) return;
  shown = key;
  const focused = [...list.children].indexOf(/** @type {Element} */ (document.activeElement));
  list.hidden = !labels.length;
  list.replaceChildren(
    ...labels.map((each, place) => {
      const chip = makeButton('mk-class', '', () => assignClass(place + 1));
      const digit = make('kbd', 'mk-with-keys', place + 1);
      chip.append(digit, make('span', '', each));
      chip.title = tr('Give the selected object this class (Shift+{key})', { key: place + 1 });
      chip.disabled = !canAssign;
      chip.setAttribute('aria-pressed', String(each === label));
      return chip;
    }),
  );
  const chip = list.children[focused];
  if (chip instanceof HTMLElement) chip.focus({ preventScroll: true });
}

export function setUpClassList() {
  on('objects log medium frame', oncePerFrame(updateClasses));
}
