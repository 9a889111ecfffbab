// Which tool is chosen, and its keys.

const tools = {
  point: pointTool,
  scribble: strokeTool('scribble', finishScribble),
  lasso: strokeTool('lasso', finishLasso),
  paint: strokeTool('paint', finishPaint),
};

function setTool(name, adding = state.adding) {
  letGo();
  state.tool = name;
  overCanvas.dataset.tool = name;
  overCanvas.dataset.grip = '';
  for (const button of find('tool-choice').querySelectorAll('[data-tool]')) {
    button.setAttribute('aria-checked', button.dataset.tool === name);
  }
  find('size').hidden = name !== 'paint';   // in the place of the opacity, so that nothing jumps
  find('opacity').hidden = name === 'paint';
  find('brush').hidden = true;
  setAdding(adding);
  announce(`${name} ${adding ? 'adds' : 'takes away'}`);
  tell('tool');
}

for (const button of find('tool-choice').querySelectorAll('[data-tool]')) on(button, 'click', () => setTool(button.dataset.tool));

Object.assign(keys, {
  p: () => setTool('point'),
  s: () => setTool('scribble'),
  l: () => setTool('lasso'),
  b: () => setTool('paint', true),
  e: () => setTool('paint', false),
  '[': () => setBrush(brush.size / 1.2, true),
  ']': () => setBrush(brush.size * 1.2 + 1, true),
  m: () => keepMask(),
  c: () => setCrosshair(!crosshair),
});
setBrush(brush.size);
