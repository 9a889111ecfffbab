// Sending files to the server, one request at a time, with progress and cancelling.

import { showProgress, toast } from '../core/notices.js';
import { about, address, find } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit, on } from '../shared/events.js';
import { megabytes } from '../shared/format.js';
import { connection } from './connection.js';

let upload = null; // the request on its way

// A file of a batch: `sent` of its `total` bytes are there already, `onSent` goes on with the next one.
export function uploadFile(body, path, title, source, { sent = 0, total = body?.size ?? 0, onSent = null } = {}) {
  if (!state.token) return toast('There is no connection to the server yet. Try again in a moment.');
  abortUpload();
  const request = new XMLHttpRequest();
  upload = request;
  request.open('POST', address(path));
  request.upload.onprogress = event => {
    const loaded = sent + event.loaded;
    const done = event.lengthComputable && total ? Math.min(1, loaded / total) : null;
    showProgress(
      title,
      done,
      done === 1 ? 'Reading it…' : `Uploading ${megabytes(loaded)} of ${megabytes(total)}`,
      cancelOpening,
    );
  };
  request.onload = () => {
    upload = null;
    if (request.status !== 202) uploadRefused(request);
    else onSent?.();
  };
  request.onerror = () => {
    cancelOpening();
    toast('The upload was interrupted. Check the connection and try again.');
  };
  update({ opening: source });
  find('file-dialog').close();
  showProgress(title, sent ? sent / total : null, 'Uploading…', cancelOpening);
  request.send(body);
}

// What was to be opened did not come.
function openingFailed() {
  update({ opening: null });
  showProgress('');
  emit('open-failed');
}

function uploadRefused(request) {
  cancelOpening();
  let text = 'The server did not take this file. Try again.';
  try {
    text = JSON.parse(request.responseText).error ?? text;
  } catch {
    /* a proxy's own page */
  }
  if (request.status === 413) text = `This file is too large. Up to ${about.max_upload_mb} MB fit.`;
  toast(text);
}

function abortUpload() {
  upload?.abort();
  upload = null;
  update({ opening: null });
}

function cancelOpening() {
  abortUpload();
  connection.send({ t: 'cancel', job: 'ingest' });
  openingFailed();
}

export function setUpUploads() {
  on('server-progress', message => {
    if (message.job === 'ingest')
      showProgress(find('progress-title').textContent || 'Opening', message.fraction, message.message, cancelOpening);
  });
  on('server-error', message => {
    if (message.job === 'ingest') openingFailed();
  });
}
