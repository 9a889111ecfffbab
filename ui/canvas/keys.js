// Keys, wherever the focus is, unless somebody is typing.

const typing = target => target.closest('input:not([type=range], [type=checkbox], [type=color]), textarea, select, dialog')
  || target.isContentEditable;

const keys = {
  ArrowLeft: event => { pause(); goTo(state.frame - (event.shiftKey ? 10 : 1)); },
  ArrowRight: event => { pause(); goTo(state.frame + (event.shiftKey ? 10 : 1)); },
  Home: () => { pause(); goTo(0); },
  End: () => { pause(); goTo(state.medium.frames - 1); },
  ' ': holdSpace,
  g: event => nextSuspicious(event.shiftKey ? -1 : 1),
  i: event => (event.shiftKey ? range.clear() : range.begin()),
  o: () => range.end(),
  t: event => track(event.shiftKey ? 'backward' : 'forward'),
  u: () => updateStale(),
  d: () => openDownload(),
  f: () => track('one'),
  n: () => objects.addNew(),
  Delete: () => removeActive(),
  Backspace: () => removeActive(),
  '+': () => setAdding(true),
  '=': () => setAdding(true),
  '-': () => setAdding(false),
  0: () => zoomAt(0, 0, 0),
  '?': () => find('help-dialog').showModal(),
  Escape: () => { if (state.tracking) stopTracking(); else if (!closeMenus()) dismissOffer(); },
};

function removeActive() {
  if (journal.said.has(state.active)) objects.remove(state.active);
}

function undoKey(event) {
  if (!(event.ctrlKey || event.metaKey)) return false;
  const key = event.key.toLowerCase();
  if (key === 'z') (event.shiftKey ? prompts.redo() : prompts.undo());
  else if (key === 'y') prompts.redo();
  else return false;
  return true;
}

on(window, 'keydown', event => {
  if (!state.medium || root.dataset.state !== 'work' || typing(event.target) || event.defaultPrevented) return;
  // A button or box that has the focus keeps its own keys, and so does a slider.
  if (event.target.closest('button, input[type=checkbox], input[type=color]') && [' ', 'Enter'].includes(event.key)) return;
  if (event.target.closest('.mk-opacity, .mk-size, .mk-effects') && /^(Arrow|Home|End)/.test(event.key)) return;
  if (undoKey(event)) return event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key), act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (number >= 1 && number <= 9) {
    if (objects.listed[number - 1]) objects.select(objects.listed[number - 1]);
  } else if (act) act(event);
  else return;
  event.preventDefault();
});
