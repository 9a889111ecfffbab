// Restoring a project on a server that does not know it, or has forgotten it: its medium is opened again, then the server
// replays the edit log, tracking included.

import { EditLog } from '../core/edit_log.js';
import { sanitizeEffects } from '../core/effects.js';
import { describeMedium } from '../core/media.js';
import { showProgress, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { emit } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { goTo } from '../timeline/navigation.js';
import { trackingEnded } from '../tracking/tracking.js';
import { allWritten, filesOf, save, snapshot, startProject } from './autosave.js';
import { database } from './database.js';
import { replayLog } from './edit_log_replay.js';
import { setMedium } from './medium.js';
import { openExample, openFiles } from './open_files.js';

const fileDialog = find('file-dialog');

/**
 * Opens the medium of a project, to restore the project on it: from files that are still open or in the database, from
 * an example, or from files that the user is asked for.
 * @param {SavedProject} project
 */
export async function reopenProject(project) {
  const files = filesOf(project.source).length ? filesOf(project.source) : await database.files(project.fileKeys ?? []);
  const example = about.examples.find(each => each.name === project.example);
  if (files) openFiles(files, project);
  else if (example) openExample(example, project);
  else askForFile(project);
}

/** @param {string} id of a project in the database */
export async function openRecent(id) {
  save();
  await allWritten();
  const record = await database.claim(id);
  if (record) reopenProject(record);
  else toast(tr('This work is not in this browser any more.'));
}

/** @param {SavedProject} project */
function askForFile(project) {
  showProgress('');
  find('file-wanted').textContent = describeMedium(project.medium);
  update({ awaited: project });
  if (!fileDialog.open) fileDialog.showModal();
}

/**
 * Makes the page show a project whose medium is open; its masks are still to come.
 * @param {SavedProject} project
 */
export function applyProject(project) {
  const { journal, look, effects, active, id, fileKeys, range = null, reviews = [], interrupted = null } = project;
  trackingEnded(true);
  update({ log: new EditLog(journal) });
  objects.clear();
  objects.look = look;
  update({ effectStack: sanitizeEffects(effects), active });
  startProject(id, fileKeys);
  update({ range, reviews, interrupted });
}

function startEmpty() {
  update({ log: new EditLog(), effectStack: null });
  objects.clear();
  startProject();
}

/**
 * Shows a medium that the server has opened, with the project that is restored on it, if any.
 * @param {{ medium: Medium; version: number }} opened
 * @param {SavedProject | null} project
 * @param {{ frame?: number; replay?: boolean; quiet?: boolean }} [options] `replay`: the server does not have the masks;
 *     `quiet`: see `replayLog`
 */
export function showOpened({ medium, version }, project, options = {}) {
  const { frame = project?.frame ?? 0, replay = true, quiet = false } = options;
  if (project) applyProject(project);
  else startEmpty();
  setMedium(medium, version);
  if (project && replay) replayLog(quiet);
  emit('medium');
  emit('log');
  goTo(frame);
}

/**
 * What is open, as a project to restore.
 * @returns {SavedProject}
 */
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
