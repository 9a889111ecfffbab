// Where all comes together: the visitor's token, what is open, what survives a reload, and the state of the line.

const CHUNK = 64;                // frames whose masks are asked for at once
let fresh = '';                  // a token of this page load that is not in use
let remembered = null;           // what the tab kept from before the page was loaded

function setScreen(name) {
  root.dataset.state = name;
  find('back').hidden = !state.medium;
  window.scrollTo(0, 0);
  if (name === 'work') requestAnimationFrame(fitView);
  tell('screen', name);
}

let tipTimer = 0;
function tip(text) {
  clearTimeout(tipTimer);
  find('tip').textContent = text;
  find('tip').hidden = !text;
  if (text) tipTimer = setTimeout(() => tip(''), 9000);
}

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

// The greeting after a lost connection may have told it already.
when('server-opened', message => {
  if (state.opening || state.reopening || message.version !== state.version) opened(message);
});

// Nothing is known about what is open, and nothing of what was open before is about it.
function beginAfresh() {
  journal = new Journal();
  objects.clear();
  effects.made = null;
  beginWork();
}

function opened(message) {
  keep();
  const expected = state.opening?.back, added = message.added ?? state.opening?.added;
  const back = expected ?? (state.reopening || added ? currentWork() : null);
  const fits = !!back && (added || agrees(back.medium, message.medium)), first = added ? back.medium.frames : back?.frame;
  if (expected && !fits) toast(`This is not ${describeMedium(back.medium)}. It is open without your earlier work.`);
  if (state.opening) state.source = { ...state.opening, back: undefined };
  if (added && !filesOf(state.source).length) back.fileKeys = [];      // not all of these photos came from files
  state.opening = null;
  state.reopening = false;
  banner('');
  line.forgetAll();
  if (fits) adopt(back);
  else beginAfresh();
  setMedium(message.medium, message.version);
  if (fits) tellJournal(added);
  tell('medium');
  tell('journal');
  goTo(fits ? first : 0);
  announce(`${message.medium.name} ${message.medium.kind === 'album' ? 'are' : 'is'} open`);
  if (!fits) tip(`${fingersOnly ? 'Tap' : 'Click'} on a thing to select it. Drag to draw a box around it.`);
}

// --- first words of every connection ---

when('server-hello', message => {
  greeted = true;
  if (fresh && fresh !== state.token) giveBack();
  if (!message.medium) comeFromNothing();
  else if (state.reopening || (state.opening && state.version !== message.version)) opened(message);
  else if (state.version !== message.version) restore(message);
  else catchUp(message);
});

// The server knows nothing of ours: what was open, now or before a reload, is opened again.
function comeFromNothing() {
  const kept = remembered;
  remembered = null;
  if (state.reopening) bringBack(currentWork());
  else if (!state.medium && kept?.journal?.steps.length) bringBack(kept);
}

// After a reload: the server still has the medium and, unless it was opened anew just then, its masks; we have the journal.
function restore(message) {
  const kept = remembered?.journal && remembered.token === state.token ? remembered : null;
  const known = kept && agrees(kept.medium, message.medium), told = known && kept.version === message.version;
  remembered = null;
  if (known) adopt(kept);
  else beginAfresh();
  state.source = { example: known && about.examples.find(each => each.name === kept.example) };
  if (known && !state.source.example) findFiles(kept.fileKeys ?? [], message.version);
  setMedium(message.medium, message.version);
  if (known && !told) tellJournal();
  tell('medium');
  tell('journal');
  goTo(known ? kept.frame : 0);
  if (told) askForMasks();
  agreeOnTracking(message.tracking);
}

async function findFiles(keys, version) {
  const files = await shelf.files(keys);
  if (files && state.version === version) state.source = { files };
}

// Everything that was prompted or tracked.
async function askForMasks() {
  const wanted = new Set();
  for (const { prompt, frame, track } of journal.entries) {
    if (prompt) wanted.add(frame - frame % CHUNK);
    if (!track) continue;
    const [first, last] = span(track);
    for (let chunk = first - first % CHUNK; chunk <= last; chunk += CHUNK) wanted.add(chunk);
  }
  for (const first of [...wanted].sort((a, b) => a - b)) await askForFrames(first, first + CHUNK - 1);
}

// A few frames a message, no faster than the server takes messages.
async function askForFrames(first, last) {
  const version = state.version, end = Math.min(last, state.medium.frames - 1);
  for (let frame = first; frame <= end && state.version === version; frame += CHUNK) {
    line.say({ t: 'masks', first: frame, last: Math.min(end, frame + CHUNK - 1) });
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

when('server-error', message => toast(message.text));

// --- the model and the line ---

let model = { ready: false, fraction: null, message: '', error: null, name: '', title: '', device: '' };
when('server-model', message => {
  model = message;
  const before = state.ready;
  state.ready = message.ready;
  if (message.error) banner(message.error);
  else if (before !== state.ready) banner('');
  updateStatus();
  updateChip();
  line.pump();
});

function updateStatus() {
  const words = { off: 'Connecting…', connecting: 'Connecting…', lost: 'Reconnecting…', gone: 'Expired', taken: 'Open elsewhere' };
  const loading = `${model.message || 'The model is loading'}${model.fraction ? ` ${Math.round(model.fraction * 100)}%` : ''}`;
  const ready = state.waiting || model.device.split(',')[0];
  const text = words[line.status] ?? (model.error ? 'No model' : model.ready ? ready : loading);
  const here = model.error ? 'gone' : model.ready && !state.waiting ? 'on' : 'loading';
  find('status').dataset.line = line.status === 'on' ? here : line.status;
  find('status-text').textContent = text;
  find('status').title = text;
}

let greeted = false;             // on this connection; the server takes a connection before it looks at the token
when('line', status => {
  updateStatus();
  if (status === 'connecting' || status === 'lost') greeted = false;
  if (status === 'on' && !model.error) banner('');
  if (status === 'lost' && state.medium) banner('The connection was lost. Reconnecting; your work is kept.');
  if (status === 'taken') banner('This work is open in another tab.', 'Use it here', () => line.open());
  if (status === 'gone') expired();
});

// A token that the server no longer knows: of an earlier page load (take the new one), or because we were away too long.
function expired() {
  if (fresh && fresh !== state.token) return start(fresh);
  ended(true);
  if (!state.medium) return trigger('renew', {});
  recoverOrOffer(greeted);
}

// An earlier page load's token still works: the new one is not needed.
function giveBack() {
  navigator.sendBeacon(`${base}/s/${fresh}/bye`);
  fresh = '';
}

function start(token) {
  state.token = token;
  line.open();
}

async function arrived() {
  if (props.problem) {
    banner(props.problem, 'Try again', () => { banner('Trying again…'); trigger('renew', {}); });
    return;
  }
  if (!props.token || props.token === fresh) return;
  fresh = props.token;
  if (!state.token) remembered = await recall();
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
