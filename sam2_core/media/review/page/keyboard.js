// Keys, wherever the focus is, unless somebody is typing; and the page's beginning.

import { closeWith } from '../../../../ui/web/shared/dialogs.js';
import { targetOf } from '../../../../ui/web/shared/elements.js';
import { closeEditor, pinInTheMiddle } from './note_editor.js';
import { nextNote } from './note_list.js';
import { toggle } from './objects.js';
import { about, find, listen, state } from './page.js';
import { goTo, pause, play, step } from './player.js';
import { hasContent } from './saved.js';
import { nextEffect, zoomAt } from './viewport.js';

/** @param {Element} target */
const isTyping = target => target.closest('input:not([type=range]), textarea, select, dialog');

/** @type {Record<string, (event: KeyboardEvent) => void>} */
const shortcuts = {
  ArrowLeft: event => step(event.shiftKey ? -10 : -1),
  ArrowRight: event => step(event.shiftKey ? 10 : 1),
  Home: () => step(-Infinity),
  End: () => step(Infinity),
  ' ': () => (state.playing ? pause() : play()),
  n: pinInTheMiddle,
  j: event => nextNote(event.shiftKey ? -1 : 1),
  e: event => nextEffect(event.shiftKey ? -1 : 1),
  '+': () => zoomAt(1.5),
  '=': () => zoomAt(1.5),
  '-': () => zoomAt(1 / 1.5),
  0: () => zoomAt(0),
  '?': () => find('help-dialog').showModal(),
  Escape: closeEditor,
};

export function setUpKeyboard() {
  listen(
    window,
    'keydown',
    /** @param {KeyboardEvent} event */ event => {
      const target = targetOf(event);
      if (isTyping(target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest('button') && [' ', 'Enter'].includes(event.key)) return; // a button keeps its own keys
      if (target.matches('.strength-value') && /^(Arrow|Home|End)/.test(event.key)) return;
      const number = Number(event.key);
      const act = shortcuts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (number >= 1 && number <= 9) {
        if (about.objects[number - 1]) toggle(about.objects[number - 1].id);
      } else if (act) act(event);
      else return;
      event.preventDefault();
    },
  );

  listen(find('help-open'), 'click', () => find('help-dialog').showModal());
  closeWith(find('help-dialog'), find('help-close'));

  if (matchMedia('(hover: none) and (pointer: coarse)').matches)
    find('tip').textContent = 'Tap the picture to pin a note.';
  find('tip').hidden = hasContent();
  goTo(0).catch(() => {
    find('loading').textContent = 'This picture cannot be shown. Try a newer browser.';
  });
}
