// The shelf: works kept in this browser (IndexedDB), so that they outlive the tab, the browser and the server. `works`
// has a record a work, `files` the opened files, which several works may share. Where storage is forbidden or full,
// everything here answers `undefined`, and the page works as without a shelf.

const MAX_PROJECTS = 20; // the oldest go
const MAX_FILE_BYTES = 500e6; // bytes; the oldest go
const OPEN_TIMEOUT = 2000; // milliseconds; a database that another version of the page blocks may never open
const TAB_ID = `${Date.now()}-${Math.random()}`; // this mount of the page

const resultOf = request =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

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

let opening = null;

// Runs `work` in one transaction: all of it happens or nothing. It names the stores it needs alone, since a large file
// takes its time, and nobody else should wait for it.
async function transaction(stores, mode, work) {
  try {
    opening ??= openDatabase().catch(error => {
      opening = null;
      throw error;
    }); // the next one tries anew
    const database = await opening;
    database.onversionchange = () => {
      database.close();
      opening = null;
    };
    database.onclose = () => {
      opening = null;
    };
    const deal = database.transaction(stores, mode);
    const over = new Promise((resolve, reject) => {
      deal.oncomplete = resolve;
      deal.onabort = () => reject(deal.error);
    });
    over.catch(() => {}); // it is awaited below, unless `work` fails first
    const result = await work(...stores.map(name => deal.objectStore(name)));
    await over;
    return result;
  } catch {
    return undefined;
  }
}

export const database = {
  // Newest first.
  list: () =>
    transaction(['works'], 'readonly', async works => (await resultOf(works.getAll())).sort((a, b) => b.at - a.at)),

  // The files under these keys, or undefined where one of them is missing.
  files: keys =>
    transaction(['files'], 'readonly', async files => {
      const kept = await Promise.all(keys.map(key => resultOf(files.get(key))));
      return kept.length && kept.every(Boolean) ? kept.map(each => each.file) : undefined;
    }),

  // From now on this tab writes the work, and whoever else has it open goes on with a copy.
  claim: id =>
    transaction(['works'], 'readwrite', async works => {
      const record = await resultOf(works.get(id));
      if (record) works.put({ ...record, owner: TAB_ID });
      return record;
    }),

  // Keeps the record of a work; the id under which it is kept: another one where another tab has claimed the work.
  put: (record, copyId) =>
    transaction(['works'], 'readwrite', async works => {
      const kept = await resultOf(works.get(record.id));
      const id = kept && kept.owner !== TAB_ID ? copyId : record.id;
      works.put({ ...record, id, owner: TAB_ID });
      const others = (await resultOf(works.getAll())).sort((a, b) => b.at - a.at).slice(MAX_PROJECTS);
      for (const other of others) works.delete(other.id);
      return id;
    }),

  // Keeps an opened file; old ones make room for it.
  async putFile(key, file) {
    if (file.size > MAX_FILE_BYTES) return;
    const kept = await putWithin(MAX_FILE_BYTES, key, file);
    if (!kept) await putWithin(file.size, key, file); // the browser allows less
  },

  forget: id =>
    transaction(['works', 'files'], 'readwrite', async (works, files) => {
      works.delete(id);
      const used = new Set(
        (await resultOf(works.getAll())).flatMap(record => [...record.fileKeys, ...(record.backdrops ?? [])]),
      );
      for (const key of await resultOf(files.getAllKeys())) if (!used.has(key)) files.delete(key);
      return true;
    }),
};

const putWithin = (budget, key, file) =>
  transaction(['files'], 'readwrite', async files => {
    if (await resultOf(files.getKey(key))) return true;
    const others = (await resultOf(files.getAll())).sort((a, b) => b.at - a.at);
    let size = file.size;
    for (const other of others) {
      size += other.file.size;
      if (size > budget) files.delete(other.key);
    }
    files.put({ key, file, at: Date.now() });
    return true;
  });
