// Where all comes together: the visitor's token, what is open, what survives a reload, and the state of the line.

const KEPT = 'masklet';          // in the tab's own storage
let fresh = '';                  // a token of this page load that is not in use
let remembered = null;           // what the tab kept from before the page was loaded

function setScreen(name) {
  root.dataset.state = name;
  find('back').hidden = !state.medium;
  window.scrollTo(0, 0);
  if (name === 'work') requestAnimationFrame(fitView);
}

let tipTimer = 0;
function tip(text) {
  clearTimeout(tipTimer);
  find('tip').textContent = text;
  find('tip').hidden = !text;
  if (text) tipTimer = setTimeout(() => tip(''), 9000);
}

// --- what is kept in the tab, so that a reload finds it again ---

function keep() {
  if (!state.medium) return;
  const kept = { token: state.token, version: state.version, frame: state.frame, active: state.active, journal,
    traits: [...objects.traits], example: state.source?.example };
  try { sessionStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* storage may be full or forbidden */ }
}

function recall() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; }
}

let keepTimer = 0;
when('journal objects frame medium tracking', () => { clearTimeout(keepTimer); keepTimer = setTimeout(keep, 300); });

// --- opening ---

function setMedium(medium, version) {
  Object.assign(state, { medium, version, frame: 0 });
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  frames.clear();
  masks.clear(medium.frames);
  shown = { ...NOTHING, frameTurn: ++turns };
  find('file').hidden = false;
  find('file-name').textContent = medium.name;
  const size = `${medium.width} × ${medium.height}`;
  find('file-facts').textContent = isClip() ? `${size} · ${counted(medium.frames, 'frame')} · ${+medium.fps.toFixed(2)} fps` : size;
  root.classList.toggle('mk-has-clip', isClip());
  stage.style.setProperty('--ratio', medium.width / medium.height);
  setScreen('work');
  veil('');
}

when('server-opened', message => {
  const again = state.reopening;
  state.source = state.opening ?? state.source;
  state.opening = null;
  state.reopening = false;
  line.forgetAll();
  const alike = name => JSON.stringify(message.medium[name]) === JSON.stringify(state.medium?.[name]);
  const same = message.added || (again && ['frames', 'height', 'width', 'sizes'].every(alike));
  const first = message.added ? state.medium.frames : 0;
  if (!same) {
    journal = new Journal();
    objects.clear();
  }
  setMedium(message.medium, message.version);
  if (same) sayAllAgain();
  if (again && same) toast(isClip() ? 'Your clicks are back. Track again for the masks of the other frames.' : 'Your clicks are back.', 'hint');
  tell('medium');
  tell('journal');
  goTo(first);
  announce(`${message.medium.name} ${message.medium.kind === 'album' ? 'are' : 'is'} open`);
  if (!same) tip(`${fingersOnly ? 'Tap' : 'Click'} on a thing to select it. Drag to draw a box around it.`);
});

// The server has our things no longer, but has the medium again: what was said is said again.
function sayAllAgain() {
  for (const [object, said] of journal.said) {
    for (const [frame, prompt] of said) line.ask({ t: 'prompt', frame, object, prompt });
  }
}

// --- first words of every connection ---

when('server-hello', message => {
  if (!message.medium) {
    if (state.reopening) reopen();
    return;
  }
  if (!state.medium || state.version !== message.version) restore(message);
  else catchUp(message);
});

// After a reload: the server still has the medium and its masks, the tab has the journal.
function restore(message) {
  const kept = remembered, known = kept?.token === state.token && kept.version === message.version;
  journal = new Journal(known ? kept.journal : {});
  objects.clear();
  if (known) {
    for (const [id, trait] of kept.traits) objects.traits.set(id, trait);
    state.active = kept.active;
    state.source = kept.example ? { example: kept.example } : null;
  }
  setMedium(message.medium, message.version);
  tell('medium');
  tell('journal');
  goTo(known ? kept.frame : 0);
  askForMasks();
  agreeOnTracking(message.tracking);
}

// Everything that was prompted or tracked, a few frames a message.
async function askForMasks() {
  const wanted = new Set(), count = state.medium.frames, version = state.version;
  for (const entry of journal.entries) {
    if (entry.prompt) wanted.add(entry.frame - entry.frame % 64);
    if (!entry.track) continue;
    const [start, stop, step] = entry.track;
    for (let frame = start; step > 0 ? frame < stop : frame > stop; frame += step) wanted.add(frame - frame % 64);
  }
  for (const first of [...wanted].sort((a, b) => a - b)) {
    if (state.version !== version) return;
    line.say({ t: 'masks', first, last: Math.min(count - 1, first + 63) });
    await new Promise(resolve => setTimeout(resolve, 60));
  }
}

// After a lost connection: masks that were sent into the void are asked for.
function catchUp(message) {
  const around = lastTracked?.frame ?? state.frame;
  line.say({ t: 'masks', first: Math.max(0, around - 31), last: Math.min(state.medium.frames - 1, around + 32) });
  agreeOnTracking(message.tracking);
  if (shown.frame !== state.frame) goTo(state.frame, true);
}

when('server-journal', () => line.say({ t: 'journal', entries: journal.needed }));
when('server-done', message => {
  if (message.job !== 'replay') return;
  veil('');
  masks.asked.clear();
  masks.answers.clear();         // a new session counts its revisions anew
  askForMasks();
});
when('server-error', message => toast(message.text));

// --- the model and the line ---

let model = { ready: false, fraction: null, message: '', error: null };
when('server-model', message => {
  model = message;
  const before = state.ready;
  state.ready = message.ready;
  if (message.error) banner(message.error);
  else if (before !== state.ready) banner('');
  updateStatus();
  line.pump();
});

function updateStatus() {
  const words = { off: 'Connecting…', connecting: 'Connecting…', lost: 'Reconnecting…', gone: 'Expired', taken: 'Open elsewhere' };
  const loading = `${model.message || 'The model is loading'}${model.fraction ? ` ${Math.round(model.fraction * 100)}%` : ''}`;
  const text = words[line.status] ?? (model.error ? 'No model' : model.ready ? model.message : loading);
  find('status').dataset.line = line.status === 'on' ? (model.error ? 'gone' : model.ready ? 'on' : 'loading') : line.status;
  find('status-text').textContent = text;
  find('status').title = text;
}

when('line', status => {
  updateStatus();
  if (status === 'on' && !model.error) banner('');
  if (status === 'on' && fresh && fresh !== state.token) giveBack();
  if (status === 'lost' && state.medium) banner('The connection was lost. Reconnecting; your work is kept.');
  if (status === 'taken') banner('This work is open in another tab.', 'Use it here', () => line.open());
  if (status === 'gone') expired();
});

// A token that the server no longer knows: of an earlier page load (take the new one), or because we were away too long.
function expired() {
  if (fresh && fresh !== state.token) return start(fresh);
  ended(true);
  if (!state.medium) return trigger('renew', {});
  banner('Your session has expired. Your clicks are still here.', 'Start again', () => {
    state.reopening = true;
    banner('Starting again…');
    trigger('renew', {});
  });
}

// An earlier page load's token still works: the new one is not needed.
function giveBack() {
  navigator.sendBeacon(`${base}/s/${fresh}/bye`);
  fresh = '';
}

function reopen() {
  if (state.source?.files) openFiles(state.source.files);
  else if (state.source?.file) openFile(state.source.file);
  else if (state.source?.example) openExample(state.source.example);
  else banner('Open the same file again to get your clicks back.', 'Choose it', () => find('picker').click());
}

function start(token) {
  state.token = token;
  line.open();
}

function arrived() {
  if (props.problem) {
    banner(props.problem, 'Try again', () => { banner('Trying again…'); trigger('renew', {}); });
    return;
  }
  if (!props.token || props.token === fresh) return;
  fresh = props.token;
  if (!state.token) remembered = recall();
  start(state.token ? fresh : remembered?.token ?? fresh);
}
watch('issued', arrived);
arrived();

on(window, 'pagehide', event => {
  keep();
  if (!event.persisted && state.token) navigator.sendBeacon(address('bye'));
});
on(window, 'pageshow', event => { if (event.persisted && line.status !== 'on') line.open(); });
on(window, 'online', () => {
  if (line.status === 'lost') line.open();
  if (state.medium && shown.frame !== state.frame) goTo(state.frame, true);
});
on(mount.signal, 'abort', () => line.close());

// --- waiting for an answer that takes long enough to be noticed ---

let busyTimer = 0;
when('flying', flying => {
  clearTimeout(busyTimer);
  if (!flying) return root.classList.remove('mk-is-busy');
  busyTimer = setTimeout(() => root.classList.add('mk-is-busy'), 250);
});

// What to do next, once there is a first mask.
let taught = false;
when('masks', () => {
  if (taught || !masks.any() || state.tracking) return;
  taught = true;
  const correct = fingersOnly ? 'Tap where it is incomplete. Too much? Choose Remove, then tap there.'
    : 'Click where it is incomplete, right-click where it is too much.';
  const next = isAlbum() && state.medium.frames > 1 ? 'Looks good? Go on with the next photo. Or correct it first.' : correct;
  tip(isClip() ? 'Looks good? Track it through the clip. Or correct it first.' : next);
});
updateObjects();
