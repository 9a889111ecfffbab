// Bringing work back: the server has never heard of it, or has forgotten it. Its medium is opened again, then the server
// is told the journal and does everything again, tracking included.

import { EditLog } from '../core/edit_log.js';
import { sanitizeLook } from '../core/effects.js';
import { describeMedium } from '../core/media.js';
import { showProgress, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { trackingEnded } from '../tracking/tracking.js';
import { allWritten, filesOf, save, snapshot, startProject } from './autosave.js';
import { database } from './database.js';
import { openExample, openFiles } from './open_files.js';

// `back` is a snapshot with the id it is kept under; its file is at hand, on the shelf, an example, or with the user.
export async function reopenProject(back) {
  const files = filesOf(back.source).length ? filesOf(back.source) : await database.files(back.fileKeys ?? []);
  const example = about.examples.find(each => each.name === back.example);
  if (files) openFiles(files, back);
  else if (example) openExample(example, back);
  else askForFile(back);
}

export async function openRecent(id) {
  save();
  await allWritten();
  const record = await database.claim(id);
  if (record) reopenProject(record);
  else toast('This work is not in this browser any more.');
}

const fileDialog = find('file-dialog');

function askForFile(back) {
  showProgress('');
  find('file-wanted').textContent = describeMedium(back.medium);
  update({ awaited: back });
  if (!fileDialog.open) fileDialog.showModal();
}

// --- once the medium is there ---

// Makes the page show a work; its masks are still to come.
export function applyProject(back) {
  trackingEnded(true);
  update({ log: new EditLog(back.journal) });
  objects.clear();
  objects.look = back.look;
  update({ effectStack: sanitizeLook(back.effects), active: back.active });
  startProject(back.id, back.fileKeys);
  update({ range: back.range ?? null, reviews: back.reviews ?? [] });
}

// --- the server has forgotten us while the page was open ---

export const currentProject = () => ({
  ...snapshot(),
  source: state.source,
  id: state.project?.id,
  fileKeys: state.project?.fileKeys,
});

export function setUpRestore() {
  listen(find('file-choose'), 'click', () => find('picker').click());
  listen(find('file-cancel'), 'click', () => fileDialog.close());
  listen(fileDialog, 'close', () => {
    update({ awaited: null });
    if (!state.opening) emit('open-failed');
  });
}
