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
import { commas, plural, sentences, told, tr } from '../shared/language.js';
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
    request.upload.onprogress = event =>
      showImporting(event.total ? event.loaded / event.total : null, tr('Uploading…'));
    request.upload.onload = () => showImporting(null, tr('Reading it…'));
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else {
        const text = refusalText(request.status, JSON.stringify(request.response), file.size);
        reject(request.response?.names_differ ? new NamesDiffer(text) : new UnreadableFile(text));
      }
    };
    request.onerror = () =>
      reject(new UnreadableFile(tr('The upload was interrupted. Check the connection and try again.')));
    request.onabort = () => resolve(null);
    showImporting(0, tr('Uploading…'));
    request.send(file);
  });
}

/**
 * @param {number | null} fraction
 * @param {string} text
 */
function showImporting(fraction, text) {
  if (inFlight) showProgress(tr('Importing annotations'), fraction, text, cancelImport);
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
    if (!(error instanceof NamesDiffer))
      toast(sentences(tr('“{name}” was not imported.', { name: file.name }), error.message));
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
  const which =
    openMedium().kind === 'image'
      ? tr('Import it if you know that it is about the open one all the same.')
      : tr('Import it if you know that their order is the same.');
  find('import-found').textContent = sentences(text, which);
  find('import-as').hidden = find('import-matches').hidden = true;
  find('import-notes').replaceChildren();
  find('import-ok').textContent = tr('Import all the same');
  importDialog.showModal();
}

/** @param {File} file */
export async function importAnnotations(file, byOrder = false) {
  if (!state.medium)
    return toast(tr('Open the picture or clip first that these annotations are about. Then import them.'));
  if (inFlight) return;
  const { version } = state;
  const annotations = await readAnnotations(file, 'masks', byOrder);
  if (!annotations) return;
  imported = { file, version, byOrder, annotations };
  describeImport(annotations);
  importDialog.showModal();
}

/**
 * @param {string} objects
 * @param {number} count of frames or photos that have some
 * @param {number} of so many
 */
function foundText(objects, count, of) {
  if (openMedium().kind === 'image') return objects;
  if (isClip())
    return count === of
      ? plural(of, '{objects} on all {n} frame', '{objects} on all {n} frames', { objects })
      : plural(of, '{objects} on {count} of {n} frame', '{objects} on {count} of {n} frames', { objects, count });
  return count === of
    ? plural(of, '{objects} on all {n} photo', '{objects} on all {n} photos', { objects })
    : plural(of, '{objects} on {count} of {n} photo', '{objects} on {count} of {n} photos', { objects, count });
}

/** @param {Annotations} annotations */
function describeImport(annotations) {
  const { objects: listed, entries, frames: count, of, boxes } = annotations;
  const names = [...new Set(listed.map(({ name, label }) => name || label).filter(Boolean))];
  const found = foundText(plural(listed.length, '{n} object', '{n} objects'), count, of);
  const called = commas(names.slice(0, MAX_NAMES));
  const more = names.length - MAX_NAMES;
  find('import-found').textContent = [
    found,
    ...(names.length ? [more > 0 ? tr('{names} and {n} more', { names: called, n: more }) : called] : []),
  ].join(': ');
  find('import-as').hidden = boxes === entries.length;
  find('import-as-masks').checked = true;
  find('import-ok').textContent = tr('Import');
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
    const to = kind === 'clip' ? tr('frame {n}', { n: frame + 1 }) : names[frame];
    row.append(make('span', '', name || tr('no name')), make('span', '', `→ ${to}`));
    if (guess) row.append(make('b', '', tr('guess')));
    return row;
  });
  if (matched > matches.length) rows.push(make('li', '', tr('and {n} more', { n: matched - matches.length })));
  find('import-matches').hidden = !matched;
  find('import-matches').open = guesses > 0;
  const guessed =
    guesses === matched
      ? plural(guesses, 'as a guess', 'all as guesses')
      : plural(guesses, '{n} as a guess', '{n} as guesses');
  const summary =
    kind === 'clip'
      ? plural(
          matched,
          '{n} name in the file is matched to the frames here',
          '{n} names in the file are matched to the frames here',
        )
      : plural(
          matched,
          '{n} name in the file is matched to the pictures here',
          '{n} names in the file are matched to the pictures here',
        );
  find('import-matches-summary').textContent = commas([summary, guesses ? guessed : '']);
  find('import-matches-list').replaceChildren(...rows);
}

/** @param {Annotations} annotations */
function notesOn({ entries, every, boxes, notes }) {
  const texts = notes.map(told);
  if (boxes === entries.length)
    texts.push(tr('The file has boxes without outlines. The model finds the masks in them.'));
  else if (boxes)
    texts.push(
      plural(
        boxes,
        '{n} of these has a box but no outline. The model finds the mask in it.',
        '{n} of these have a box but no outline. The model finds the masks in them.',
      ),
    );
  if (every > 1) {
    const rest = isClip() ? tr('Tracking finds those in between.') : tr('The others are left out.');
    texts.push(
      sentences(tr('One in {n} masks of each object is taken, evenly, since no more fit.', { n: every }), rest),
    );
  }
  return texts.map(text => make('li', '', text));
}

/** @param {Annotations} annotations */
function reasonsIn({ skipped }) {
  const texts = skipped.slice(0, MAX_REASONS).map(({ count, reason, names }) => {
    const some = names.length ? `(${commas(names)}${count > names.length ? ' …' : ''})` : '';
    return sentences(plural(count, '{n} left out.', '{n} left out.'), told(reason), some);
  });
  const rest = skipped.slice(MAX_REASONS).reduce((sum, { count }) => sum + count, 0);
  if (rest) texts.push(plural(rest, '{n} more left out, for other reasons.', '{n} more left out, for other reasons.'));
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
  prompts.addStep([...entries, ...traits], tr('Importing annotations'));
  announce(plural(chosen.objects.length, '{n} object imported', '{n} objects imported'));
  showTip(
    isClip()
      ? tr('Imported. Track to find the objects on the other frames.')
      : tr('Imported. Clicks refine the masks.'),
  );
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
