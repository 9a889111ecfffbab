// The session: the user's token, what is open on the server, what survives a reload, and the state of the connection.

import {
  describeMedium,
  hasTimeline,
  isAlbum,
  isExtended,
  isSameFile,
  isSameMedium,
  openMedium,
} from '../core/media.js';
import { mount } from '../core/mount.js';
import { announce, showBanner, showProgress, showTip, toast } from '../core/notices.js';
import { about, address, base, fingersOnly, listen, pageId, root } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { forgetOpening } from '../net/uploads.js';
import { emit, on } from '../shared/events.js';
import { told, tr } from '../shared/language.js';
import { goTo } from '../timeline/navigation.js';
import { firstHint } from '../tools/hints.js';
import { syncTracking, trackingEnded } from '../tracking/tracking.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';
import { filesOf, isOnServer, loadSaved, save } from './autosave.js';
import { backdrops } from './backdrops.js';
import { database } from './database.js';
import { replayLog } from './edit_log_replay.js';
import { recoverOrOffer } from './expired_session.js';
import { currentProject, reopenProject, showOpened } from './project_restore.js';

/** @import { HelloEvent, ModelEvent } from '../protocol.js' */
/** @typedef {{ medium: Medium; version: number }} Opened a medium that the server has opened */

const BUSY_DELAY = 250; // milliseconds; a request that takes longer is shown
const FRAMES_AROUND = 32; // whose masks are requested after a lost connection, before and after the current one

/** A token of this page load that is not used yet. */
let newToken = '';
/** @type {TabRecord | null} what the tab saved before the page was loaded */
let saved = null;
/** Whether `hello` came on this connection; the server accepts a connection before it checks the token. */
let isGreeted = false;
let hasShownHint = false;

// --- what is open ---

/** @param {Opened & { added?: boolean }} event */
function mediumOpened({ medium, version, added = state.opening?.added ?? false }) {
  save();
  const { project: expected, ...source } = state.opening ?? {};
  const isOurs = added || (state.reopening && !state.opening); // else another medium was opened instead
  const candidate = expected ?? (isOurs ? currentProject() : null);
  const project = candidate && (added || isSameMedium(candidate.medium, medium)) ? candidate : null;
  if (expected && !project)
    toast(
      tr('This is not {medium}. It is open without your earlier work.', { medium: describeMedium(expected.medium) }),
    );
  if (state.opening) update({ source });
  else if (!state.reopening) update({ source: null }); // the page has no files of it: it was reloaded meanwhile, or has given it up
  if (project && added && !filesOf(state.source).length) project.fileKeys = []; // not all of these photos came from files
  update({ opening: null, reopening: false });
  showBanner('');
  connection.clearQueue();
  showOpened({ medium, version }, project, {
    frame: added ? project?.medium.frames : undefined,
    quiet: added || project?.isNew,
  });
  const { name } = medium;
  announce(medium.kind === 'album' ? tr('{name} are open', { name }) : tr('{name} is open', { name }));
  if (!project) showTip(firstHint());
  emit('medium-opened', project ? undefined : source.example);
}

/**
 * @param {TabRecord | null} record
 * @returns {record is TabRecord & SavedProject}
 */
const hasProject = record => record?.journal !== undefined;

/** The server has nothing of this user: opens again what was open, now or before a reload. */
function reopenSaved() {
  const record = saved;
  saved = null;
  if (state.reopening) reopenProject(currentProject());
  else if (!state.medium && hasProject(record) && record.journal.steps.length) reopenProject(record);
}

/**
 * After a reload the server still has the medium and, unless it has opened it again meanwhile, its masks. Photos that were
 * being added may have come meanwhile.
 * @param {Opened & Pick<HelloEvent, 'tracking' | 'editor' | 'edits'>} event
 */
function restoreSession({ medium, version, tracking, editor, edits }) {
  const record = saved;
  saved = null;
  const ours = hasProject(record) && record.token === state.token ? record : null;
  const added = ours !== null && isExtended(medium, ours.medium);
  const project = ours && (added || isSameFile(ours.medium, medium)) ? ours : null;
  const hasMasks = project !== null && isOnServer(project, { version, editor, edits });
  const example = project && !added ? about.examples.find(each => each.name === project.example) : undefined;
  if (project && added) project.fileKeys = []; // of the former photos alone
  update({ source: { example }, training: record?.training ?? null });
  if (project && !example) findFiles(project.fileKeys ?? [], version);
  showOpened({ medium, version }, project, { replay: !hasMasks, quiet: added });
  if (!project) replayLog(); // empty: objects of another page would be in the way
  if (hasMasks) requestMasks();
  if (hasMasks) for (const request of project.pending ?? []) connection.request(request);
  syncTracking(tracking);
}

/**
 * @param {string[]} keys
 * @param {number} version
 */
async function findFiles(keys, version) {
  const files = await database.files(keys);
  if (files && state.version === version) update({ source: { files } });
}

/**
 * After a lost connection: requests masks that may have been sent meanwhile, or were being sent.
 * @param {TrackingRun | null} tracking
 */
function catchUp(tracking) {
  const around = state.lastTrackedFrame ?? state.frame;
  const first = Math.max(0, around - FRAMES_AROUND + 1);
  connection.send({ t: 'get_masks', first, last: Math.min(openMedium().frames - 1, around + FRAMES_AROUND) });
  requestMasks(true);
  syncTracking(tracking);
  if (state.shown.frame !== state.frame) goTo(state.frame, true);
}

/** @param {HelloEvent} event the first one of every connection */
function greeted({ medium, version, tracking, opening, restored, editor, edits }) {
  isGreeted = true;
  if (newToken && newToken !== state.token) releaseToken();
  const isOurs = editor === pageId || edits === state.edits;
  update({ edits });
  const isNew = !!medium && version !== state.version && !restored;
  if (!opening && !state.reopening && !isNew) forgetOpening();
  if (!medium) reopenSaved();
  else if (state.reopening || (state.opening && isNew)) mediumOpened({ medium, version });
  else if (state.version === version && isOurs) catchUp(tracking);
  else if (state.medium && isSameFile(state.medium, medium)) bringBack({ medium, version });
  else if (state.medium && isExtended(medium, state.medium)) mediumOpened({ medium, version, added: true });
  else restoreSession({ medium, version, tracking, editor, edits });
}

/**
 * The medium is on the server, but not the masks of this page: the server was started again and has kept it, the page was
 * reloaded while it was being opened, it was opened twice, or another tab has changed them.
 * @param {Opened} event
 */
function bringBack(event) {
  const { opening } = state; // another one that is still being opened
  backdrops.sent.clear();
  update({ reopening: true, opening: null });
  mediumOpened(event);
  update({ opening });
}

// --- the token ---

/** The server does not know the token: of an earlier page load, which is replaced, or of an expired session. */
function sessionExpired() {
  if (newToken && newToken !== state.token) return connectWith(newToken);
  trackingEnded(true);
  if (!state.medium) return mount.renew();
  recoverOrOffer(isGreeted);
}

/** The token of an earlier page load still works, so the new one is not needed. */
function releaseToken() {
  navigator.sendBeacon(`${base}/s/${newToken}/bye`);
  newToken = '';
}

/** @param {string} token */
function connectWith(token) {
  update({ token });
  connection.open();
}

async function tokenArrived() {
  const { problem, token } = mount.props;
  if (problem) {
    return showBanner(told(problem), tr('Try again'), () => {
      showBanner(tr('Trying again…'));
      mount.renew();
    });
  }
  if (!token || token === newToken) return;
  newToken = token;
  if (!state.token) saved = await loadSaved();
  connectWith(state.token ? newToken : (saved?.token ?? newToken));
}

// --- the model and the connection ---

/** @param {ModelEvent} event */
function modelChanged({ t, ...model }) {
  const wasReady = state.ready;
  update({ model, ready: model.ready });
  if (model.error) showBanner(model.error);
  else if (wasReady !== state.ready) showBanner('');
  emit('model');
  connection.pump();
}

/** @param {ConnectionStatus} status */
function connectionChanged(status) {
  if (status === 'connecting' || status === 'lost') isGreeted = false;
  if (status === 'on' && !state.model.error) showBanner('');
  if (status === 'lost' && state.medium) showBanner(tr('The connection was lost. Reconnecting; your work is kept.'));
  if (status === 'taken')
    showBanner(tr('This work is open in another tab.'), tr('Use it here'), () => connection.open());
  if (status === 'gone') sessionExpired();
}

let busyTimer = 0;

/** @param {QueuedRequest | null} inFlight */
function updateBusy(inFlight) {
  clearTimeout(busyTimer);
  if (inFlight) busyTimer = window.setTimeout(() => root.classList.add('mk-is-busy'), BUSY_DELAY);
  else root.classList.remove('mk-is-busy');
}

/** Once there is a first mask: what to do next. */
function showHint() {
  if (hasShownHint || !masks.any() || state.tracking || state.log.state.tracked.size) return;
  hasShownHint = true;
  if (state.tool === 'automatic') return; // it says itself what to do
  const correct = fingersOnly
    ? tr('Tap where it is incomplete. Too much? Choose Remove, then tap there.')
    : tr('Click where it is incomplete, right-click where it is too much.');
  const hasNext = isAlbum() && openMedium().frames > 1;
  const next = hasNext ? tr('Looks good? Go on with the next photo. Or correct it first.') : correct;
  showTip(hasTimeline() ? tr('Looks good? Track it through the clip. Or correct it first.') : next);
}

export function setUpSession() {
  on('server-opened', event => {
    if (state.opening || state.reopening) mediumOpened(event);
    else if (event.version !== state.version)
      (!event.added && state.medium && isSameFile(state.medium, event.medium) ? bringBack : mediumOpened)(event);
    else if (!connection.isReplaying) showProgress(''); // `hello` has told of it already
  });
  on('server-hello', greeted);
  // open_files.js and quota.js ask; the live camera and the models say it in their dialogs
  on(
    'server-error',
    ({ text, job, too_large, quota }) => too_large || quota || job === 'live' || job === 'model' || toast(text),
  );
  on('server-model', modelChanged);
  on('connection', connectionChanged);
  mount.watch('issued', tokenArrived);
  tokenArrived();

  listen(window, 'pagehide', (/** @type {PageTransitionEvent} */ event) => {
    save();
    if (!event.persisted && state.token) navigator.sendBeacon(address('bye'));
  });
  listen(window, 'pageshow', (/** @type {PageTransitionEvent} */ event) => {
    if (event.persisted && connection.status !== 'on') connection.open();
  });
  listen(window, 'online', () => {
    if (connection.status === 'lost') connection.open();
    if (state.medium && state.shown.frame !== state.frame) goTo(state.frame, true);
  });
  listen(mount.signal, 'abort', () => connection.close());
  on('in-flight', updateBusy);
  on('masks', showHint);
}
