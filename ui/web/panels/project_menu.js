// The project menu: save what is open as a file, with or without all masks, and go on with such a file.

import { isSameMedium } from '../core/media.js';
import { makeMenu } from '../core/menus.js';
import { showProgress, toast } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { save, snapshot } from '../storage/autosave.js';
import { setMedium } from '../storage/medium.js';
import { projectOf, readProject } from '../storage/project_file.js';
import { replayLog } from '../storage/replay.js';
import { applyProject, reopenProject } from '../storage/restore.js';
import { findReview } from '../storage/review_file.js';
import { BadProject, NoProject } from '../storage/validation.js';
import { goTo } from '../timeline/navigation.js';
import { exportAddress } from './download.js';
import { importAnnotations } from './import_annotations.js';
import { openReview } from './reviews.js';

const projectMenu = find('project-menu');

let gathering = false; // masks are on their way to a project file

function download(text, name) {
  const link = make('a');
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  Object.assign(link, { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  toast(`${name} is saved.`, 'hint');
}

function saveProject(masksOf) {
  const stem = state.medium.name.replace(/\.[^.]*$/, '') || 'masklet';
  download(projectOf(snapshot(), masksOf), `${stem}.masklet.json`);
}

// --- with masks: the server writes them all, as for a download ---

function saveWithMasks() {
  const all = [...state.log.prompts.keys()].map(id => ({ id, name: '', label: '', color: [0, 0, 0] }));
  if (!all.length) return toast('Select something first. Then there are masks to save.', 'hint');
  if (state.exporting) return toast('A download is under way. Wait until it is done.', 'hint');
  if (!connection.send({ t: 'export', format: 'coco', objects: all })) {
    return toast('There is no connection right now. Try again in a moment.');
  }
  gathering = true;
  showProgress('Saving with masks', null, 'Starting…', stopGathering);
}

function stopGathering() {
  gathering = false;
  connection.send({ t: 'cancel', job: 'export' });
  showProgress('');
}

function masksByObject({ images, annotations }) {
  const frameOf = new Map(images.map(image => [image.id, image.frame_index]));
  const found = {};
  for (const { image_id: image, track_id: object, segmentation } of annotations) {
    found[object] ??= {};
    found[object][frameOf.get(image)] = segmentation;
  }
  return found;
}

async function openProject(file) {
  const review = await findReview(file);
  if (review) return openReview(review);
  let project;
  try {
    project = await readProject(file);
  } catch (error) {
    if (error instanceof NoProject && state.medium) return importAnnotations(file);
    return toast(error instanceof BadProject ? error.message : 'This file could not be read. Choose it again.');
  }
  const here = state.medium && isSameMedium(project.medium, state.medium) && project.medium.name === state.medium.name;
  if (!here || connection.status !== 'on' || state.reopening) return reopenProject(project);
  save(); // what is open stays on the shelf
  applyProject({ ...project, fileKeys: state.project?.fileKeys });
  setMedium(state.medium, state.version);
  replayLog();
  emit('medium');
  emit('log');
  goTo(project.frame);
}

export function setUpProjectMenu() {
  on('server-progress', message => {
    if (gathering && message.job === 'export')
      showProgress('Saving with masks', message.fraction, message.message, stopGathering);
  });
  on('server-error', message => {
    if (gathering && message.job === 'export') {
      gathering = false;
      showProgress('');
    }
  });
  on('server-done', async message => {
    if (!gathering || message.job !== 'export') return;
    try {
      const answer = await fetch(exportAddress(message));
      if (!answer.ok) throw new Error(`masks: ${answer.status}`);
      const found = masksByObject(await answer.json());
      if (gathering) saveProject(found);
    } catch {
      toast('The masks could not be fetched. Check the connection and try again.');
    }
    gathering = false;
    showProgress('');
  });
  on('medium', () => {
    gathering = false;
  });

  makeMenu(find('project-open'), projectMenu);
  on('project-chosen', openProject);
  listen(projectMenu.querySelector('[data-project=save]'), 'click', () => saveProject());
  listen(projectMenu.querySelector('[data-project=masks]'), 'click', saveWithMasks);
  listen(projectMenu.querySelector('[data-project=open]'), 'click', () => find('project-picker').click());
  listen(find('project-picker'), 'change', event => {
    if (event.target.files[0]) openProject(event.target.files[0]);
    event.target.value = '';
  });
  listen(window, 'keydown', event => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 's') return;
    if (!state.medium || root.dataset.state !== 'work') return;
    event.preventDefault(); // or the browser would save the page
    if (find('progress-overlay').hidden) saveProject();
  });
}
