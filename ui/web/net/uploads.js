// Sending files to the server, one request at a time, with progress and cancelling.

import { showProgress, toast } from '../core/notices.js';
import { address, find } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { megabytes } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { connection } from './connection.js';
import { refusalText } from './refusal.js';

/** @type {XMLHttpRequest | null} */
let upload = null;
const ERROR_DELAY = 500; // milliseconds; what waits to be sent comes just after `hello`
let isCancelled = false; // what the server still reports of such an opening is not shown

/**
 * @param {File | null} file null for an example, which the server has
 * @param {string} path
 * @param {string} title of the progress overlay
 * @param {OpeningSource} source
 * @param {{ sent?: number; total?: number; onSent?: () => void }} [batch] of which this is a file: bytes that were sent
 *     before it, bytes of all files, and what comes after it
 */
export function uploadFile(file, path, title, source, { sent = 0, total = file?.size ?? 0, onSent = () => {} } = {}) {
  if (!state.token) return toast(tr('There is no connection to the server yet. Try again in a moment.'));
  abortUpload();
  isCancelled = false;
  const request = new XMLHttpRequest();
  upload = request;
  request.open('POST', address(path));
  request.upload.onprogress = event => {
    const loaded = sent + event.loaded;
    const fraction = event.lengthComputable && total ? Math.min(1, loaded / total) : null;
    const text =
      fraction === 1
        ? tr('Reading it…')
        : tr('Uploading {loaded} of {total}', { loaded: megabytes(loaded), total: megabytes(total) });
    showProgress(title, fraction, text, cancelOpening);
  };
  request.onload = () => {
    upload = null;
    if (request.status === 202) onSent();
    else uploadFailed(refusalText(request.status, request.responseText, file?.size));
  };
  request.onerror = () => uploadFailed(tr('The upload was interrupted. Check the connection and try again.'));
  update({ opening: source });
  emit('opening');
  find('file-dialog').close();
  showProgress(title, sent ? sent / total : null, tr('Uploading…'), cancelOpening);
  request.send(file);
}

/** @param {string} text */
function uploadFailed(text) {
  cancelOpening();
  toast(text);
}

function abortUpload() {
  upload?.abort();
  upload = null;
  update({ opening: null });
}

function cancelOpening() {
  abortUpload();
  isCancelled = true;
  connection.send({ t: 'cancel', job: 'ingest' });
  openingFailed();
}

function openingFailed() {
  update({ opening: null });
  if (!connection.isReplaying) showProgress('');
  emit('open-failed');
}

/**
 * The server does not know of anything that is being opened: it was lost with a connection, or with the session, unless
 * its error comes now.
 */
export function forgetOpening() {
  const { opening } = state;
  if (!opening || upload) return;
  setTimeout(() => {
    if (state.opening !== opening || upload) return;
    openingFailed();
    toast(tr('What you were opening was lost with the connection. Open it again.'));
  }, ERROR_DELAY);
}

export function setUpUploads() {
  on('server-progress', ({ job, fraction, message }) => {
    if (job === 'ingest' && !isCancelled)
      showProgress(find('progress-title').textContent || tr('Opening'), fraction, message, cancelOpening);
  });
  on('server-error', ({ job }) => {
    if (job === 'ingest') openingFailed();
  });
  on('connection', status => {
    if (status !== 'taken' || !state.opening) return;
    abortUpload(); // what has arrived opens in the other tab
    openingFailed();
  });
}
