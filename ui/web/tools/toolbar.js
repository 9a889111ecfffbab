// Which tool is chosen, and its keys.

import { announce } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { overlayCanvas } from '../viewport/viewport.js';
import { setCrosshair } from './crosshair.js';
import { keepMask } from './mask_prompt.js';
import { setAdding } from './mode.js';
import { pointTool } from './points.js';
import { brush, finishLasso, finishPaint, finishScribble, placeBrush, setBrush, strokeTool } from './strokes.js';

export const tools = {
  point: pointTool,
  scribble: strokeTool('scribble', finishScribble),
  lasso: strokeTool('lasso', finishLasso),
  paint: { ...strokeTool('paint', finishPaint), hover: placeBrush },
};

function setTool(name, adding = state.adding) {
  update({ tool: name });
  overlayCanvas.dataset.tool = name;
  overlayCanvas.dataset.grip = '';
  for (const button of find('tool-choice').querySelectorAll('[data-tool]')) {
    button.setAttribute('aria-checked', button.dataset.tool === name);
  }
  find('size').hidden = name !== 'paint'; // in the place of the opacity, so that nothing jumps
  find('opacity').hidden = name === 'paint';
  find('brush').hidden = true;
  setAdding(adding);
  announce(`${name} ${adding ? 'adds' : 'takes away'}`);
  emit('tool');
}

export function setUpToolbar() {
  for (const button of find('tool-choice').querySelectorAll('[data-tool]'))
    listen(button, 'click', () => setTool(button.dataset.tool));

  Object.assign(shortcuts, {
    p: () => setTool('point'),
    s: () => setTool('scribble'),
    l: () => setTool('lasso'),
    b: () => setTool('paint', true),
    e: () => setTool('paint', false),
    '[': () => setBrush(brush.size / 1.2, true),
    ']': () => setBrush(brush.size * 1.2 + 1, true),
    m: () => keepMask(),
    c: () => setCrosshair(!state.crosshair),
  });
  setBrush(brush.size);
}
