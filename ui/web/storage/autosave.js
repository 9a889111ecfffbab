// Autosave: what is open is saved in the tab's own storage, where a reload finds it at once, and in the database, where it
// outlives the tab.

import { EditLog } from '../core/edit_log.js';
import { backdropsOf, currentEffects } from '../core/effects.js';
import { frameSize, openMedium } from '../core/media.js';
import { objects } from '../core/objects.js';
import { pageId } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { unfinishedRun } from '../tracking/tracking.js';
import { drawFill } from '../viewport/sprites.js';
import { keyOfBackdrop } from './backdrops.js';
import { database } from './database.js';
import { serverHasMasks } from './edit_log_replay.js';
import { pathOf } from './file_names.js';

export const STORAGE_KEY = 'masklet'; // in the tab's own storage
const SAVE_DELAY = 500; // milliseconds
const THUMBNAIL_SIDE = 320; // pixels of the longer side

const newId = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;
/** @param {File} file */
const fileKeyOf = file => `${pathOf(file)}|${file.size}|${file.lastModified}`;

/** Transactions on the database, one after the other. */
let writing = Promise.resolve();

/** @param {MediumSource | null} [source] */
export const filesOf = source => source?.files ?? (source?.file ? [source.file] : []);

/** @param {string[]} [fileKeys] */
export function startProject(id = newId(), fileKeys = []) {
  update({
    project: { id, fileKeys, savedFiles: new Set(), thumbnail: null },
    range: null,
    reviews: [],
    interrupted: null,
  });
}

/**
 * Everything from which the work is restored, as plain data.
 * @returns {ProjectData}
 */
export function snapshot() {
  const { times, ...medium } = openMedium();
  return {
    medium,
    example: state.source?.example?.name,
    journal: state.log.plain,
    look: objects.look,
    effects: state.effectStack,
    frame: state.frame,
    active: state.active,
    range: state.range,
    reviews: state.reviews,
    interrupted: unfinishedRun(),
  };
}

/** Saves at once; in the tab alone where another one has taken the session over, and may be ahead of this one. */
export function save() {
  if (!state.medium) return;
  const data = snapshot();
  saveInTab(data);
  if (connection.status !== 'taken' && state.project && state.log.steps.length) saveInDatabase(state.project, data);
}

/** @param {EditLog} log */
const stepsOf = ({ steps, length }) => `${length} of ${steps.length}`;

/**
 * Whether the masks of the server are those of the edit log: it is as the tab has left it, as one from the database may be
 * older, and no other page has changed masks since.
 * @param {TabRecord & SavedProject} record
 * @param {{ version: number; editor: string; edits: number }} hello
 */
export const isOnServer = (record, { version, editor, edits }) =>
  record.version === version &&
  (record.page === editor || record.edits === edits) &&
  record.steps === stepsOf(new EditLog(record.journal));

/** @param {ProjectData} data */
function saveInTab(data) {
  const { token, edits, training } = state;
  const pending = connection.pending.map(({ since, ...request }) => request);
  const hasMasks = serverHasMasks() && !pending.some(({ t }) => t === 'edit_log');
  const version = hasMasks ? state.version : 0; // which none has: then a reload replays the edit log
  const session = { token, version, page: pageId, edits, steps: stepsOf(state.log), id: state.project?.id, training };
  const alone = pending.length ? { ...session, version: 0 } : session; // without what is pending
  for (const record of [{ ...(hasMasks ? { ...session, pending } : alone), ...data }, { ...alone, ...data }, alone]) {
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(record));
      return;
    } catch {
      // full, or forbidden
    }
  }
}

/**
 * @param {OpenProject} project
 * @param {ProjectData} data
 */
function saveInDatabase(project, data) {
  const files = filesOf(state.source);
  const thumbnail = projectThumbnail();
  if (files.length) project.fileKeys = files.map(fileKeyOf);
  const { id, fileKeys } = project;
  const backdrops = backdropsOf(currentEffects()).map(keyOfBackdrop);
  const count = state.log.prompts.size;
  const record = structuredClone({ ...data, id, fileKeys, backdrops, at: Date.now(), objects: count, thumbnail: null });
  writing = writing.then(async () => {
    project.thumbnail = (await thumbnail) ?? project.thumbnail;
    const savedId = await database.put({ ...record, id: project.id, thumbnail: project.thumbnail }, newId());
    if (savedId) project.id = savedId;
  });
  for (const file of files.filter(each => !project.savedFiles.has(fileKeyOf(each)))) {
    project.savedFiles.add(fileKeyOf(file));
    database.putFile(fileKeyOf(file), file);
  }
}

/**
 * The viewport, small; null where nothing is shown.
 * @returns {Promise<Blob | null>}
 */
async function projectThumbnail() {
  const { bitmap, sprites, frame } = state.shown;
  if (!bitmap || state.playing) return null;
  const { width, height } = frameSize(frame);
  const scale = Math.min(1, THUMBNAIL_SIDE / Math.max(width, height));
  const [canvas, context] = canvasOf(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  try {
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  } catch {
    return null; // the bitmap was closed
  }
  context.scale(canvas.width / width, canvas.height / height);
  context.globalAlpha = 0.6;
  for (const sprite of sprites) drawFill(context, sprite);
  return new Promise(resolve => canvas.toBlob(resolve, 'image/jpeg', 0.8));
}

/** @returns {TabRecord | null} */
export function loadFromTab() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? 'null');
  } catch {
    return null;
  }
}

/**
 * What was saved before the page was reloaded; where the tab's storage had no room for the project, from the database.
 * @returns {Promise<TabRecord | null>}
 */
export async function loadSaved() {
  const saved = loadFromTab();
  return saved && { ...(saved.id ? await database.claim(saved.id) : {}), ...saved };
}

/** Resolves when everything is in the database. */
export const allWritten = () => writing;

let saveTimer = 0;
/** Saves what waits to be saved. */
export function flushSave() {
  if (!saveTimer) return;
  clearTimeout(saveTimer);
  saveTimer = 0;
  save();
}

export function setUpAutosave() {
  on('log objects effects frame medium range tracking tracked masks reviews', () => {
    saveTimer ||= window.setTimeout(flushSave, SAVE_DELAY);
  });
}
