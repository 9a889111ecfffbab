// Annotations that other programs wrote about the open medium: the server reads the file, the dialog shows what it found, and
// all of it becomes one step.

import { isClip, openMedium } from '../core/media.js';
import { announce, showProgress, showTip, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { address, find, listen, listenForFiles } from '../core/page.js';
import { isWorking, setScreen } from '../core/screen.js';
import { state } from '../core/store.js';
import { sanitizeTraits } from '../core/traits.js';
import { connection } from '../net/connection.js';
import { refusalText } from '../net/refusal.js';
import { make } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { UnreadableFile } from '../tools/mask_file.js';
import { prompts } from '../tools/prompts.js';

/**
 * What the server found in a file, see ui/page/imports.py. Ids of objects begin with 1.
 * @typedef {object} Annotations
 * @property {{ id: number, name: string, label: string }[]} objects
 * @property {{ frame: number, object: number, prompt: Prompt }[]} entries
 * @property {number} frames with masks
 * @property {number} of all frames
 * @property {number} every which of the masks are taken
 * @property {number} boxes how many entries are boxes
 * @property {{ count: number, reason: string, names: string[] }[]} skipped
 * @property {string[]} notes for the user
 * @property {{ name: string, frame: number, guess: boolean }[]} matches names in the file and the frames they stand for
 * @property {number} matched how many names there are
 */

/** @typedef {'masks' | 'boxes'} Form */

/** No name in the file fits, but the user may know that its order does. */
class NamesDiffer extends UnreadableFile {}

const importDialog = find('import-dialog');
const MAX_REASONS = 5;
const MAX_NAMES = 5;
const MAX_NAME_LENGTH = 255;

/** @type {{ file: File, version: number, byOrder: boolean, annotations: Annotations | null } | null} */
let imported = null; // what the dialog is about; without annotations it asks whether order counts
/** @type {XMLHttpRequest | null} */
let inFlight = null;

/**
 * Returns null where the user cancels. Throws UnreadableFile.
 * @param {File} file
 * @param {Form} form
 * @param {boolean} byOrder
 * @returns {Promise<Annotations | null>}
 */
function readOnServer(file, form, byOrder) {
  const query = new URLSearchParams({
    as: form,
    name: file.name.slice(-MAX_NAME_LENGTH),
    by_order: byOrder ? '1' : '0',
  });
  for (const [name, left] of Object.entries(prompts.room)) query.set(name, `${left}`);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    inFlight = request;
    request.open('POST', address(`import?${query}`));
    request.responseType = 'json';
    request.upload.onprogress = event => showImporting(event.total ? event.loaded / event.total : null, 'Uploading…');
    request.upload.onload = () => showImporting(null, 'Reading it…');
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else {
        const text = refusalText(request.status, JSON.stringify(request.response), file.size);
        reject(request.response?.names_differ ? new NamesDiffer(text) : new UnreadableFile(text));
      }
    };
    request.onerror = () =>
      reject(new UnreadableFile('The upload was interrupted. Check the connection and try again.'));
    request.onabort = () => resolve(null);
    showImporting(0, 'Uploading…');
    request.send(file);
  });
}

/**
 * @param {number | null} fraction
 * @param {string} text
 */
function showImporting(fraction, text) {
  if (inFlight) showProgress('Importing annotations', fraction, text, cancelImport);
}

function cancelImport() {
  inFlight?.abort();
  connection.send({ t: 'cancel', job: 'import' });
}

/**
 * Returns null where nothing was read; a toast or the dialog says why, unless the user has cancelled or opened something else.
 * @param {File} file
 * @param {Form} form
 */
async function readAnnotations(file, form, byOrder = false) {
  const { version } = state;
  try {
    const annotations = await readOnServer(file, form, byOrder);
    return version === state.version ? annotations : null;
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    if (!(error instanceof NamesDiffer)) toast(`“${file.name}” was not imported. ${error.message}`);
    else if (version === state.version) askForOrder(file, error.message);
    return null;
  } finally {
    inFlight = null;
    showProgress('');
  }
}

/**
 * @param {File} file
 * @param {string} text
 */
function askForOrder(file, text) {
  imported = { file, version: state.version, byOrder: true, annotations: null };
  const which = openMedium().kind === 'image' ? 'it is about the open one all the same' : 'their order is the same';
  find('import-found').textContent = `${text} Import it if you know that ${which}.`;
  find('import-as').hidden = find('import-matches').hidden = true;
  find('import-notes').replaceChildren();
  find('import-ok').textContent = 'Import all the same';
  importDialog.showModal();
}

/** @param {File} file */
export async function importAnnotations(file, byOrder = false) {
  if (!state.medium) return toast('Open the picture or clip first that these annotations are about. Then import them.');
  if (inFlight) return;
  const { version } = state;
  const annotations = await readAnnotations(file, 'masks', byOrder);
  if (!annotations) return;
  imported = { file, version, byOrder, annotations };
  describeImport(annotations);
  importDialog.showModal();
}

/** @param {Annotations} annotations */
function describeImport(annotations) {
  const { objects: listed, entries, frames: count, of, boxes } = annotations;
  const all = counted(of, isClip() ? 'frame' : 'photo');
  const where = openMedium().kind === 'image' ? '' : count === of ? ` on all ${all}` : ` on ${count} of ${all}`;
  const names = [...new Set(listed.map(({ name, label }) => name || label).filter(Boolean))];
  const some = names.slice(0, MAX_NAMES).join(', ');
  const more = names.length - MAX_NAMES;
  const called = names.length ? `: ${some}${more > 0 ? ` and ${more} more` : ''}` : '';
  find('import-found').textContent = `${counted(listed.length, 'object')}${where}${called}`;
  find('import-as').hidden = boxes === entries.length;
  find('import-as-masks').checked = true;
  find('import-ok').textContent = 'Import';
  describeMatches(annotations);
  find('import-notes').replaceChildren(...notesOn(annotations), ...reasonsIn(annotations));
}

/**
 * Which pictures the names in the file stand for; unfolded if some of it is guessed.
 * @param {Annotations} annotations
 */
function describeMatches({ matches, matched }) {
  const { kind, name: title, names = [title] } = openMedium();
  const guesses = matches.filter(({ guess }) => guess).length;
  const rows = matches.map(({ name, frame, guess }) => {
    const row = make('li', guess ? 'mk-guess' : '', '');
    const to = kind === 'clip' ? `frame ${frame + 1}` : names[frame];
    row.append(make('span', '', name || 'no name'), make('span', '', `→ ${to}`));
    if (guess) row.append(make('b', '', 'guess'));
    return row;
  });
  if (matched > matches.length) rows.push(make('li', '', `and ${matched - matches.length} more`));
  find('import-matches').hidden = !matched;
  find('import-matches').open = guesses > 0;
  const guessed = guesses
    ? `, ${guesses === matched ? (matched === 1 ? 'as a guess' : 'all as guesses') : `${guesses} as guesses`}`
    : '';
  find('import-matches-summary').textContent =
    `${counted(matched, 'name')} in the file ${matched === 1 ? 'is' : 'are'} matched to the ${kind === 'clip' ? 'frames' : 'pictures'} here${guessed}`;
  find('import-matches-list').replaceChildren(...rows);
}

/** @param {Annotations} annotations */
function notesOn({ entries, every, boxes, notes }) {
  const texts = [...notes];
  if (boxes === entries.length) texts.push('The file has boxes without outlines. The model finds the masks in them.');
  else if (boxes) texts.push(`${boxes} of these have a box but no outline. The model finds the masks in them.`);
  if (every > 1) {
    const rest = isClip() ? 'Tracking finds those in between.' : 'The others are left out.';
    texts.push(`One in ${every} masks of each object is taken, evenly, since no more fit. ${rest}`);
  }
  return texts.map(text => make('li', '', text));
}

/** @param {Annotations} annotations */
function reasonsIn({ skipped }) {
  const texts = skipped.slice(0, MAX_REASONS).map(({ count, reason, names }) => {
    const some = names.length ? ` (${names.join(', ')}${count > names.length ? ' …' : ''})` : '';
    return `${count} left out. ${reason}${some}`;
  });
  const rest = skipped.slice(MAX_REASONS).reduce((sum, { count }) => sum + count, 0);
  if (rest) texts.push(`${rest} more left out, for other reasons.`);
  return texts.map(text => make('li', 'mk-import-skipped', text));
}

async function addImported() {
  if (!imported) return;
  const { file, version, byOrder, annotations } = imported;
  if (!annotations) {
    importDialog.close();
    return importAnnotations(file, true);
  }
  const asBoxes = !find('import-as-masks').checked && annotations.boxes < annotations.entries.length;
  importDialog.close();
  const chosen = asBoxes ? await readAnnotations(file, 'boxes', byOrder) : annotations;
  if (!chosen || version !== state.version) return;
  const before = objects.unused - 1;
  const entries = chosen.entries.map(entry => ({ ...entry, object: before + entry.object }));
  const traits = chosen.objects
    .filter(({ name, label }) => name || label)
    .map(({ id, name, label }) => ({
      traits: before + id,
      set: sanitizeTraits({ ...(name && { name }), ...(label && { label }) }),
    }));
  if (!isWorking()) setScreen('work');
  prompts.addStep([...entries, ...traits], 'Importing annotations');
  announce(`${counted(chosen.objects.length, 'object')} imported`);
  showTip(isClip() ? 'Imported. Track to find the objects on the other frames.' : 'Imported. Clicks refine the masks.');
}

export function setUpImportAnnotations() {
  on('server-progress', ({ job, fraction, message }) => {
    if (job === 'import') showImporting(fraction, message);
  });
  on('medium', () => importDialog.close());
  on('annotations-chosen', importAnnotations);
  listen(find('project-import'), 'click', () => find('annotations-picker').click());
  listenForFiles(find('annotations-picker'), ([file]) => importAnnotations(file));
  listen(find('import-ok'), 'click', addImported);
  listen(find('import-cancel'), 'click', () => importDialog.close());
}
