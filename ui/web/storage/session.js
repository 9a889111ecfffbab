// Where all comes together: the visitor's token, what is open, what survives a reload, and the state of the line.

import { EditLog } from '../core/edit_log.js';
import { describeMedium, isAlbum, isClip, isSameMedium } from '../core/media.js';
import { mount } from '../core/mount.js';
import { announce, showBanner, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, address, base, fingersOnly, listen, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { emit, on } from '../shared/events.js';
import { goTo } from '../timeline/navigation.js';
import { syncTracking, trackingEnded } from '../tracking/tracking.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';
import { filesOf, loadSaved, save, startProject } from './autosave.js';
import { database } from './database.js';
import { setMedium } from './medium.js';
import { recoverOrOffer } from './recovery.js';
import { replayLog } from './replay.js';
import { applyProject, currentProject, reopenProject } from './restore.js';

let newToken = ''; // a token of this page load that is not in use
let saved = null; // what the tab kept from before the page was loaded

// Nothing is known about what is open, and nothing of what was open before is about it.
function startEmpty() {
  update({ log: new EditLog() });
  objects.clear();
  update({ effectStack: null });
  startProject();
}

function mediumOpened(message) {
  save();
  const expected = state.opening?.back;
  const added = message.added ?? state.opening?.added;
  const back = expected ?? (state.reopening || added ? currentProject() : null);
  const fits = !!back && (added || isSameMedium(back.medium, message.medium));
  const first = added ? back.medium.frames : back?.frame;
  if (expected && !fits) toast(`This is not ${describeMedium(back.medium)}. It is open without your earlier work.`);
  if (state.opening) update({ source: { ...state.opening, back: undefined } });
  if (added && !filesOf(state.source).length) back.fileKeys = []; // not all of these photos came from files
  update({ opening: null, reopening: false });
  showBanner('');
  connection.clearQueue();
  if (fits) applyProject(back);
  else startEmpty();
  setMedium(message.medium, message.version);
  if (fits) replayLog(added);
  emit('medium');
  emit('log');
  goTo(fits ? first : 0);
  announce(`${message.medium.name} ${message.medium.kind === 'album' ? 'are' : 'is'} open`);
  if (!fits) showTip(`${fingersOnly ? 'Tap' : 'Click'} on a thing to select it. Drag to draw a box around it.`);
}

// The server knows nothing of ours: what was open, now or before a reload, is opened again.
function reopenSaved() {
  const kept = saved;
  saved = null;
  if (state.reopening) reopenProject(currentProject());
  else if (!state.medium && kept?.journal?.steps.length) reopenProject(kept);
}

// After a reload: the server still has the medium and, unless it was opened anew just then, its masks; we have the journal.
function restoreSession(message) {
  const kept = saved?.journal && saved.token === state.token ? saved : null;
  const known = kept && isSameMedium(kept.medium, message.medium);
  const told = known && kept.version === message.version;
  saved = null;
  if (known) applyProject(kept);
  else startEmpty();
  update({ source: { example: known && about.examples.find(each => each.name === kept.example) } });
  if (known && !state.source.example) findFiles(kept.fileKeys ?? [], message.version);
  setMedium(message.medium, message.version);
  if (known && !told) replayLog();
  emit('medium');
  emit('log');
  goTo(known ? kept.frame : 0);
  if (told) requestMasks();
  syncTracking(message.tracking);
}

async function findFiles(keys, version) {
  const files = await database.files(keys);
  if (files && state.version === version) update({ source: { files } });
}

// After a lost connection: masks that were sent into the void are asked for.
function catchUp(message) {
  const around = state.lastTracked?.frame ?? state.frame;
  connection.send({
    t: 'get_masks',
    first: Math.max(0, around - 31),
    last: Math.min(state.medium.frames - 1, around + 32),
  });
  syncTracking(message.tracking);
  if (state.shown.frame !== state.frame) goTo(state.frame, true);
}

let isGreeted = false; // on this connection; the server takes a connection before it looks at the token

// A token that the server no longer knows: of an earlier page load (take the new one), or because we were away too long.
function sessionExpired() {
  if (newToken && newToken !== state.token) return connectWith(newToken);
  trackingEnded(true);
  if (!state.medium) return mount.renew();
  recoverOrOffer(isGreeted);
}

// An earlier page load's token still works: the new one is not needed.
function releaseToken() {
  navigator.sendBeacon(`${base}/s/${newToken}/bye`);
  newToken = '';
}

function connectWith(token) {
  update({ token });
  connection.open();
}

async function tokenArrived() {
  if (mount.props.problem) {
    showBanner(mount.props.problem, 'Try again', () => {
      showBanner('Trying again…');
      mount.renew();
    });
    return;
  }
  if (!mount.props.token || mount.props.token === newToken) return;
  newToken = mount.props.token;
  if (!state.token) saved = await loadSaved();
  connectWith(state.token ? newToken : (saved?.token ?? newToken));
}

// --- waiting for an answer that takes long enough to be noticed ---

let busyTimer = 0;

// What to do next, once there is a first mask.
let hasShownHint = false;

export function setUpSession() {
  // The greeting after a lost connection may have told it already.
  on('server-opened', message => {
    if (state.opening || state.reopening || message.version !== state.version) mediumOpened(message);
  });

  // --- first words of every connection ---

  on('server-hello', message => {
    isGreeted = true;
    if (newToken && newToken !== state.token) releaseToken();
    if (!message.medium) reopenSaved();
    else if (state.reopening || (state.opening && state.version !== message.version)) mediumOpened(message);
    else if (state.version !== message.version) restoreSession(message);
    else catchUp(message);
  });

  on('server-error', message => toast(message.text));

  // --- the model and the line ---

  on('server-model', message => {
    const before = state.ready;
    update({ model: message, ready: message.ready });
    if (message.error) showBanner(message.error);
    else if (before !== state.ready) showBanner('');
    emit('model');
    connection.pump();
  });
  on('connection', status => {
    if (status === 'connecting' || status === 'lost') isGreeted = false;
    if (status === 'on' && !state.model.error) showBanner('');
    if (status === 'lost' && state.medium) showBanner('The connection was lost. Reconnecting; your work is kept.');
    if (status === 'taken') showBanner('This work is open in another tab.', 'Use it here', () => connection.open());
    if (status === 'gone') sessionExpired();
  });
  mount.watch('issued', tokenArrived);
  tokenArrived();

  listen(window, 'pagehide', event => {
    save();
    if (!event.persisted && state.token) navigator.sendBeacon(address('bye'));
  });
  listen(window, 'pageshow', event => {
    if (event.persisted && connection.status !== 'on') connection.open();
  });
  listen(window, 'online', () => {
    if (connection.status === 'lost') connection.open();
    if (state.medium && state.shown.frame !== state.frame) goTo(state.frame, true);
  });
  listen(mount.signal, 'abort', () => connection.close());
  on('in-flight', flying => {
    clearTimeout(busyTimer);
    if (!flying) return root.classList.remove('mk-is-busy');
    busyTimer = setTimeout(() => root.classList.add('mk-is-busy'), 250);
  });
  on('masks', () => {
    if (hasShownHint || !masks.any() || state.tracking) return;
    hasShownHint = true;
    const correct = fingersOnly
      ? 'Tap where it is incomplete. Too much? Choose Remove, then tap there.'
      : 'Click where it is incomplete, right-click where it is too much.';
    const next =
      isAlbum() && state.medium.frames > 1 ? 'Looks good? Go on with the next photo. Or correct it first.' : correct;
    showTip(isClip() ? 'Looks good? Track it through the clip. Or correct it first.' : next);
  });
}
