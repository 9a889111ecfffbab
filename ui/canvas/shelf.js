// The shelf: works kept in this browser (IndexedDB), so that they outlive the tab, the browser and the server. `works`
// has a record a work, `files` the opened files, which several works may share. Where storage is forbidden or full,
// everything here answers `undefined`, and the page works as without a shelf.

const WORKS_KEPT = 20;           // the oldest go
const FILES_BUDGET = 500e6;      // bytes; the oldest go
const SHELF_PATIENCE = 2000;     // milliseconds; a database that another version of the page blocks may never open
const OWNER = `${Date.now()}-${Math.random()}`;   // this mount of the page

const answerOf = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function openShelf() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('masklet', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('works', { keyPath: 'id' });
      request.result.createObjectStore('files', { keyPath: 'key' });
    };
    answerOf(request).then(resolve, reject);
    setTimeout(() => reject(new Error('storage does not answer')), SHELF_PATIENCE);
  });
}

let shelfOpening = null;

// Runs `work` in one transaction: all of it happens or nothing. It names the stores it needs alone, since a large file
// takes its time, and nobody else should wait for it.
async function onShelf(stores, mode, work) {
  try {
    shelfOpening ??= openShelf().catch(error => { shelfOpening = null; throw error; });   // the next one tries anew
    const database = await shelfOpening;
    database.onversionchange = () => { database.close(); shelfOpening = null; };
    database.onclose = () => { shelfOpening = null; };
    const deal = database.transaction(stores, mode);
    const over = new Promise((resolve, reject) => {
      deal.oncomplete = resolve;
      deal.onabort = () => reject(deal.error);
    });
    over.catch(() => {});        // it is awaited below, unless `work` fails first
    const result = await work(...stores.map(name => deal.objectStore(name)));
    await over;
    return result;
  } catch {
    return undefined;
  }
}

const shelf = {
  // Newest first.
  list: () => onShelf(['works'], 'readonly', async works => (await answerOf(works.getAll())).sort((a, b) => b.at - a.at)),

  // The files under these keys, or undefined where one of them is missing.
  files: keys => onShelf(['files'], 'readonly', async files => {
    const kept = await Promise.all(keys.map(key => answerOf(files.get(key))));
    return kept.length && kept.every(Boolean) ? kept.map(each => each.file) : undefined;
  }),

  // From now on this tab writes the work, and whoever else has it open goes on with a copy.
  claim: id => onShelf(['works'], 'readwrite', async works => {
    const record = await answerOf(works.get(id));
    if (record) works.put({ ...record, owner: OWNER });
    return record;
  }),

  // Keeps the record of a work; the id under which it is kept: another one where another tab has claimed the work.
  put: (record, copyId) => onShelf(['works'], 'readwrite', async works => {
    const kept = await answerOf(works.get(record.id)), id = kept && kept.owner !== OWNER ? copyId : record.id;
    works.put({ ...record, id, owner: OWNER });
    const others = (await answerOf(works.getAll())).sort((a, b) => b.at - a.at).slice(WORKS_KEPT);
    for (const other of others) works.delete(other.id);
    return id;
  }),

  // Keeps an opened file; old ones make room for it.
  async putFile(key, file) {
    if (file.size > FILES_BUDGET) return;
    const kept = await putWithin(FILES_BUDGET, key, file);
    if (!kept) await putWithin(file.size, key, file);      // the browser allows less
  },

  forget: id => onShelf(['works', 'files'], 'readwrite', async (works, files) => {
    works.delete(id);
    const used = new Set((await answerOf(works.getAll())).flatMap(record => [...record.fileKeys, ...record.backdrops ?? []]));
    for (const key of await answerOf(files.getAllKeys())) if (!used.has(key)) files.delete(key);
    return true;
  }),
};

const putWithin = (budget, key, file) => onShelf(['files'], 'readwrite', async files => {
  if (await answerOf(files.getKey(key))) return true;
  const others = (await answerOf(files.getAll())).sort((a, b) => b.at - a.at);
  let size = file.size;
  for (const other of others) {
    size += other.file.size;
    if (size > budget) files.delete(other.key);
  }
  files.put({ key, file, at: Date.now() });
  return true;
});
