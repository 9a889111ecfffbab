// The menu of clean-ups: each makes the mask of the selected object on this frame its prompt, without what it removes.

import { makeMenu } from '../core/menus.js';
import { announce, showTip, toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { opaque } from '../core/run_lengths.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { dropIslands, fillHoles, smoothEdges } from './mask_cleanup.js';
import { drawMask, hasMask, setMaskPrompt } from './mask_prompt.js';

/** @type {[name: 'smooth' | 'holes' | 'islands', clean: typeof fillHoles, done: string, nothing: string][]} */
const CLEANUPS = [
  ['smooth', smoothEdges, tr('The edges are smooth.'), tr('The edges are smooth already.')],
  ['holes', fillHoles, tr('The holes are filled.'), tr('This mask has no holes.')],
  ['islands', dropIslands, tr('The islands are gone.'), tr('This mask has no small islands.')],
];

/** @param {(typeof CLEANUPS)[number]} cleanup */
async function cleanUp([, clean, done, nothing]) {
  const { frame, active: object, version } = state;
  if (!hasMask(frame, object)) return toast(tr('There is no mask of this object on this frame.'), 'hint');
  const context = await drawMask(frame, object);
  if (!context || version !== state.version) return;
  const before = opaque(context.canvas);
  const after = clean(before, context.canvas.width);
  if (after.every((pixel, place) => pixel === before[place])) return toast(nothing, 'hint');
  if (!after.includes(1)) return toast(tr('Nothing of this mask would be left.'), 'hint');
  if (!setMaskPrompt(after, frame, object)) return;
  showTip(done);
  announce(done);
}

export function setUpCleanupMenu() {
  makeMenu(find('cleanup'), find('cleanup-menu'));
  for (const cleanup of CLEANUPS) listen(find(`cleanup-${cleanup[0]}`), 'click', () => cleanUp(cleanup));
  on('log masks frame medium objects', () => {
    find('cleanup').disabled = !hasMask(state.frame, state.active);
  });
}
