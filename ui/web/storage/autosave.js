// Autosave: what is open is kept as a work, in the tab (so that a reload finds it at once) and on the shelf (so that
// everything else does not lose it); and the works that the start screen offers to go on with.

import { backdropsOf, currentLook } from '../core/effects.js';
import { frameSize } from '../core/media.js';
import { objects } from '../core/objects.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { canvasOf } from '../shared/canvas.js';
import { on } from '../shared/events.js';
import { keyOfBackdrop } from './backdrops.js';
import { database } from './database.js';

export const STORAGE_KEY = 'masklet'; // in the tab's own storage
const SAVE_INTERVAL = 500; // milliseconds
const THUMBNAIL_SIDE = 320; // CSS pixels of the longer side

const newId = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;
const fileKeyOf = file => `${file.name}|${file.size}|${file.lastModified}`;

let writing = Promise.resolve(); // to the shelf, one after the other

export const filesOf = source => source?.files ?? (source?.file ? [source.file] : []);

export function startProject(id = newId(), fileKeys = []) {
  update({ project: { id, fileKeys, filesKept: new Set(), thumbnail: null }, range: null, reviews: [] });
}

// All that brings the work back, as plain data.
export function snapshot() {
  const { kind, name, frames: count, height, width, fps, sizes, names } = state.medium;
  return {
    medium: { kind, name, frames: count, height, width, fps, ...(sizes ? { sizes, names } : {}) },
    example: state.source?.example?.name,
    journal: state.log.plain,
    look: objects.look,
    effects: state.effectStack,
    frame: state.frame,
    active: state.active,
    range: state.range,
    reviews: state.reviews,
  };
}

// A page whose work was taken over by another tab is behind it.
export function save() {
  if (!state.medium || connection.status === 'taken') return;
  const all = snapshot();
  saveInTab(all);
  if (state.project && state.log.steps.length) saveInDatabase(state.project, all);
}

function saveInTab(all) {
  const where = { token: state.token, version: state.version, id: state.project?.id };
  for (const kept of [{ ...where, ...all }, where]) {
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
      return;
    } catch {
      /* storage may be full or forbidden */
    }
  }
}

function saveInDatabase(mine, all) {
  const files = filesOf(state.source);
  const picture = projectThumbnail();
  if (files.length) mine.fileKeys = files.map(fileKeyOf);
  const pictures = backdropsOf(currentLook()).map(keyOfBackdrop);
  const record = structuredClone({
    ...all,
    fileKeys: mine.fileKeys,
    backdrops: pictures,
    at: Date.now(),
    objects: state.log.prompts.size,
  });
  writing = writing.then(async () => {
    mine.thumbnail = (await picture) ?? mine.thumbnail;
    const id = await database.put({ ...record, id: mine.id, thumbnail: mine.thumbnail }, newId());
    if (id) mine.id = id;
  });
  for (const file of files.filter(each => !mine.filesKept.has(fileKeyOf(each)))) {
    mine.filesKept.add(fileKeyOf(file));
    database.putFile(fileKeyOf(file), file);
  }
}

// What is on the stage, small; null where there is nothing to be seen.
function projectThumbnail() {
  if (!state.shown.bitmap || state.playing) return Promise.resolve(null);
  const { width, height } = frameSize(state.shown.frame);
  const scale = Math.min(1, THUMBNAIL_SIDE / Math.max(width, height));
  const [canvas, pen] = canvasOf(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  try {
    pen.drawImage(state.shown.bitmap, 0, 0, canvas.width, canvas.height);
    pen.scale(canvas.width / width, canvas.height / height);
    pen.globalAlpha = 0.6;
    for (const sprite of state.shown.sprites) pen.drawImage(sprite.fill, sprite.x, sprite.y);
  } catch {
    return Promise.resolve(null); // the frame has gone from the cache
  }
  return new Promise(resolve => canvas.toBlob(resolve, 'image/jpeg', 0.8));
}

export function loadFromTab() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY));
  } catch {
    return null;
  }
}

// What the tab kept from before the page was loaded; the shelf knows it where the tab has no room.
export async function loadSaved() {
  const kept = loadFromTab();
  return kept && { ...(kept.id ? await database.claim(kept.id) : {}), ...kept };
}

// Until everything is in the database.
export const allWritten = () => writing;

let saveTimer = 0;
export function flushSave() {
  if (!saveTimer) return;
  clearTimeout(saveTimer);
  saveTimer = 0;
  save();
}

export function setUpAutosave() {
  on('log objects effects frame medium range tracking tracked masks reviews', () => {
    saveTimer ||= setTimeout(flushSave, SAVE_INTERVAL);
  });
}
