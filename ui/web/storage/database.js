// Projects and files in this browser's IndexedDB, where they outlive the tab, the browser and the server. The store `works`
// has a record per project, `files` the opened files, which several projects may share. Where storage is forbidden or
// full, everything here resolves to `undefined`, and the page works without autosave.

import { pageId } from '../core/page.js';

/** @typedef {{ key: string; file: File; at: number }} FileRecord */

const MAX_PROJECTS = 20; // the oldest are deleted
const MAX_FILE_BYTES = 500e6; // of all files; the oldest are deleted
const OPEN_TIMEOUT = 2000; // milliseconds; a database that another version of the page blocks may never open

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const resultOf = request =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('masklet', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('works', { keyPath: 'id' });
      request.result.createObjectStore('files', { keyPath: 'key' });
    };
    resultOf(request).then(resolve, reject);
    setTimeout(() => reject(new Error('storage does not answer')), OPEN_TIMEOUT);
  });
}

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

const closed = () => {
  opened = null; // so that the next transaction opens it again
};

async function connect() {
  opened ??= openDatabase();
  try {
    const idb = await opened;
    idb.onversionchange = () => {
      idb.close();
      closed();
    };
    idb.onclose = closed;
    return idb;
  } catch (error) {
    closed();
    throw error;
  }
}

/**
 * Runs `work` in one transaction. It names only the stores that it needs, since writing a large file takes a while, in
 * which other transactions on that store wait.
 * @template T
 * @param {('works' | 'files')[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(...stores: IDBObjectStore[]) => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function transaction(stores, mode, work) {
  try {
    const running = (await connect()).transaction(stores, mode);
    const completed = new Promise((resolve, reject) => {
      running.oncomplete = resolve;
      running.onabort = () => reject(running.error);
    });
    completed.catch(() => {}); // it is awaited below, unless `work` fails first
    const result = await work(...stores.map(name => running.objectStore(name)));
    await completed;
    return result;
  } catch {
    return undefined;
  }
}

/**
 * All records of a store, the newest first.
 * @template {{ at: number }} T
 * @param {IDBObjectStore} store
 * @returns {Promise<T[]>}
 */
const newestFirst = async store => (await resultOf(store.getAll())).sort((a, b) => b.at - a.at);

/** @param {IDBObjectStore} works */
const projectsIn = works => /** @type {Promise<ProjectRecord[]>} */ (newestFirst(works));
/** @param {IDBObjectStore} files */
const filesIn = files => /** @type {Promise<FileRecord[]>} */ (newestFirst(files));

/**
 * Makes room for a file and saves it.
 * @param {number} budget bytes of all files together
 * @param {string} key
 * @param {File} file
 */
const putFileWithin = (budget, key, file) =>
  transaction(['files'], 'readwrite', async files => {
    if (await resultOf(files.getKey(key))) return true;
    let bytes = file.size;
    for (const other of await filesIn(files)) {
      bytes += other.file.size;
      if (bytes > budget) files.delete(other.key);
    }
    files.put({ key, file, at: Date.now() });
    return true;
  });

export const database = {
  /** All projects, the newest first. */
  list: () => transaction(['works'], 'readonly', projectsIn),

  /**
   * The files under these keys, or undefined where one of them is missing.
   * @param {string[]} keys
   */
  files: keys =>
    transaction(['files'], 'readonly', async files => {
      /** @type {(FileRecord | undefined)[]} */
      const records = await Promise.all(keys.map(key => resultOf(files.get(key))));
      const found = records.flatMap(record => record?.file ?? []);
      return found.length && found.length === keys.length ? found : undefined;
    }),

  /**
   * Makes this tab the one that writes the project; another tab that has it open goes on with a copy.
   * @param {string} id
   */
  claim: id =>
    transaction(['works'], 'readwrite', async works => {
      /** @type {ProjectRecord | undefined} */
      const record = await resultOf(works.get(id));
      if (record) works.put({ ...record, owner: pageId });
      return record;
    }),

  /**
   * Saves a project. Returns its id, which is another one where another tab has claimed the project.
   * @param {ProjectRecord} record
   * @param {string} copyId
   */
  put: (record, copyId) =>
    transaction(['works'], 'readwrite', async works => {
      /** @type {ProjectRecord | undefined} */
      const saved = await resultOf(works.get(record.id));
      const id = saved && saved.owner !== pageId ? copyId : record.id;
      works.put({ ...record, id, owner: pageId });
      for (const old of (await projectsIn(works)).slice(MAX_PROJECTS)) works.delete(old.id);
      return id;
    }),

  /**
   * Saves an opened file, unless it is too large.
   * @param {string} key
   * @param {File} file
   */
  async putFile(key, file) {
    if (file.size > MAX_FILE_BYTES) return;
    const saved = await putFileWithin(MAX_FILE_BYTES, key, file);
    if (!saved) await putFileWithin(file.size, key, file); // the browser allows less
  },

  /**
   * Deletes a project, and the files that no other project needs.
   * @param {string} id
   */
  forget: id =>
    transaction(['works', 'files'], 'readwrite', async (works, files) => {
      works.delete(id);
      const projects = await projectsIn(works);
      const used = new Set(projects.flatMap(({ fileKeys, backdrops = [] }) => [...fileKeys, ...backdrops]));
      for (const key of await resultOf(files.getAllKeys())) if (!used.has(String(key))) files.delete(key);
      return true;
    }),
};
