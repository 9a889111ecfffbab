// The project menu: saves the open project as a file, with or without all masks, and opens such files.

/** @import { ExportObject } from '../protocol.js' */

import { isSameMedium, openMedium } from '../core/media.js';
import { makeMenu } from '../core/menus.js';
import { NO_CONNECTION, showProgress, toast } from '../core/notices.js';
import { find, listen, listenForFiles } from '../core/page.js';
import { isWorking } from '../core/screen.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { save, snapshot } from '../storage/autosave.js';
import { replayLog } from '../storage/edit_log_replay.js';
import { downloadStem, isCalled } from '../storage/file_names.js';
import { setMedium } from '../storage/medium.js';
import { projectOf, readProject } from '../storage/project_file.js';
import { applyProject, reopenProject } from '../storage/project_restore.js';
import { findReview } from '../storage/review_file.js';
import { BadProject, NoProject } from '../storage/validation.js';
import { goTo } from '../timeline/navigation.js';
import { exportAddress } from './download.js';
import { importAnnotations } from './import_annotations.js';
import { openReview } from './reviews.js';

const URL_LIFETIME = 60_000; // milliseconds in which the browser begins to save the file

let isExporting = false; // the server writes the masks for a project file

/**
 * @param {string} text
 * @param {string} name
 */
function download(text, name) {
  const link = make('a');
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  Object.assign(link, { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), URL_LIFETIME);
  toast(tr('{name} is saved.', { name }), 'hint');
}

/** @param {MasksByObject} [masks] */
function saveProject(masks) {
  download(projectOf(snapshot(), masks), `${downloadStem(openMedium().name)}.masklet.json`);
}

// --- with masks: the server exports them all as COCO annotations ---

/**
 * object -> frame -> its mask
 * @typedef {Record<number, Record<number, RunLengths>>} MasksByObject
 *
 * @typedef {object} CocoFile the parts that are read
 * @property {{ id: number, frame_index: number }[]} images
 * @property {{ image_id: number, track_id: number, segmentation: RunLengths }[]} annotations
 */

function saveWithMasks() {
  /** @type {ExportObject[]} */
  const objects = [...state.log.prompts.keys()].map(id => ({ id, name: '', label: '', color: [0, 0, 0] }));
  if (!objects.length) return toast(tr('Select something first. Then there are masks to save.'), 'hint');
  if (state.exporting) return toast(tr('A download is under way. Wait until it is done.'), 'hint');
  if (!connection.send({ t: 'export', format: 'coco', objects })) return toast(NO_CONNECTION);
  isExporting = true;
  showExporting(null, tr('Starting…'));
}

/**
 * @param {number | null} fraction
 * @param {string} text
 */
const showExporting = (fraction, text) => showProgress(tr('Saving with masks'), fraction, text, cancelExport);

function endExport() {
  isExporting = false;
  showProgress('');
}

function cancelExport() {
  connection.send({ t: 'cancel', job: 'export' });
  endExport();
}

/** @param {CocoFile} file */
function masksByObject({ images, annotations }) {
  const frameOf = new Map(images.map(image => [image.id, image.frame_index]));
  /** @type {MasksByObject} */
  const masks = {};
  for (const { image_id: image, track_id: object, segmentation } of annotations) {
    masks[object] ??= {};
    masks[object][Number(frameOf.get(image))] = segmentation;
  }
  return masks;
}

/** @param {string} url */
async function fetchMasks(url) {
  const answer = await fetch(exportAddress(url));
  if (!answer.ok) throw new Error(`masks: ${answer.status}`);
  return masksByObject(await answer.json());
}

// --- opening ---

/**
 * Opens a project, a review, or annotations about the open medium.
 * @param {File} file
 */
async function openProject(file) {
  const review = await findReview(file);
  if (review) return openReview(review);
  let project;
  try {
    project = await readProject(file);
  } catch (error) {
    if (error instanceof NoProject && state.medium) return importAnnotations(file);
    return toast(error instanceof BadProject ? error.message : tr('This file could not be read. Choose it again.'));
  }
  const { medium } = state;
  const isOpen = medium && isSameMedium(project.medium, medium) && isCalled(project.medium.name, medium.name);
  if (!isOpen || connection.status !== 'on' || state.reopening) return reopenProject(project);
  save(); // or what was open would be lost
  applyProject({ ...project, fileKeys: state.project?.fileKeys });
  setMedium(medium, state.version);
  replayLog();
  emit('medium');
  emit('log');
  goTo(project.frame);
}

export function setUpProjectMenu() {
  on('server-progress', ({ job, fraction, message }) => {
    if (isExporting && job === 'export') showExporting(fraction, message);
  });
  on('server-error', ({ job }) => {
    if (isExporting && job === 'export') endExport();
  });
  on('server-done', async ({ job, url = '' }) => {
    if (!isExporting || job !== 'export') return;
    try {
      const masks = await fetchMasks(url);
      if (isExporting) saveProject(masks);
    } catch {
      toast(tr('The masks could not be fetched. Check the connection and try again.'));
    }
    endExport();
  });
  on('medium', () => {
    isExporting = false;
  });

  makeMenu(find('project-open'), find('project-menu'));
  on('project-chosen', openProject);
  listen(find('project-save'), 'click', () => saveProject());
  listen(find('project-masks'), 'click', saveWithMasks);
  listen(find('project-choose'), 'click', () => find('project-picker').click());
  listenForFiles(find('project-picker'), ([file]) => openProject(file));
  listen(window, 'keydown', event => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 's') return;
    if (!state.medium || !isWorking()) return;
    event.preventDefault(); // or the browser would save the page
    if (find('progress-overlay').hidden) saveProject();
  });
}
