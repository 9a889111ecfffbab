// Which tool is chosen, and its shortcuts.

/** @import { Tool } from './pointer.js' */

import { announce, showTip } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { overlayCanvas } from '../viewport/viewport.js';
import { automaticTool } from './automatic_tool.js';
import { brush, placeBrush, setBrushSize } from './brush.js';
import { setCrosshair } from './crosshair.js';
import { firstHint } from './hints.js';
import { useMaskAsPrompt } from './mask_prompt.js';
import { setAdding } from './mode.js';
import { outlineTool, stepCorner } from './outline_tool.js';
import { pointTool } from './points.js';
import { finishLasso, finishPaint, finishScribble, strokeTool } from './strokes.js';

/** @type {Record<string, Tool>} */
export const tools = {
  point: pointTool,
  scribble: strokeTool('scribble', finishScribble),
  lasso: strokeTool('lasso', finishLasso),
  paint: { ...strokeTool('paint', finishPaint), hover: placeBrush },
  outline: outlineTool,
  automatic: automaticTool,
};

/** @type {NodeListOf<HTMLElement>} */
const toolButtons = find('tool-choice').querySelectorAll('[data-tool]');

export function setTool(name = 'point', adding = state.adding) {
  const isNew = name !== state.tool;
  update({ tool: name });
  overlayCanvas.dataset.tool = name;
  overlayCanvas.dataset.grip = '';
  markChosen(toolButtons, ({ dataset }) => dataset.tool === name);
  find('size').hidden = name !== 'paint';
  find('snap').hidden = name !== 'lasso';
  find('brush').hidden = true;
  setAdding(adding);
  const tool = [...toolButtons].find(({ dataset }) => dataset.tool === name)?.ariaLabel ?? '';
  announce(adding ? tr('{tool} adds', { tool }) : tr('{tool} takes away', { tool }));
  if (state.medium && isNew) showTip(firstHint());
  emit('tool');
}

export function setUpToolbar() {
  makeRoving(find('tool-choice'), false);
  makeRoving(find('sign'));
  for (const button of toolButtons) listen(button, 'click', () => setTool(button.dataset.tool));
  listen(find('tool-add'), 'click', () => setAdding(true));
  listen(find('tool-remove'), 'click', () => setAdding(false));

  Object.assign(shortcuts, {
    p: (/** @type {KeyboardEvent} */ { shiftKey }) => setTool(shiftKey ? 'outline' : 'point'),
    s: () => setTool('scribble'),
    l: () => setTool('lasso'),
    b: () => setTool('paint', true),
    e: () => setTool('paint', false),
    '[': () => (state.tool === 'outline' ? stepCorner(-1) : setBrushSize(brush.size / 1.2, true)),
    ']': () => (state.tool === 'outline' ? stepCorner(1) : setBrushSize(brush.size * 1.2 + 1, true)),
    m: useMaskAsPrompt,
    c: () => setCrosshair(!state.crosshair),
  });
  setBrushSize(brush.size);
  setTool();
}
