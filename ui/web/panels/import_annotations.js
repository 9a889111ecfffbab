// Annotations that other programs wrote about what is open: the server reads the file, the user is told what was found, and
// all of it becomes one step.

import { isClip } from '../core/media.js';
import { announce, showProgress, showTip, toast } from '../core/notices.js';
import { about, address, find, listen, root } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { state } from '../core/store.js';
import { sanitizeTraits } from '../core/traits.js';
import { connection } from '../net/connection.js';
import { make } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { UnreadableFile } from '../tools/mask_file.js';
import { prompts } from '../tools/prompts.js';

const importDialog = find('import-dialog');
const REASONS_SHOWN = 5;
const NAMES_SHOWN = 5;

let imported = null; // {file, version, answer} that the dialog is about
let reading = null; // the request on its way

// The server's answer, see ui/annotations.py; null where the user gave up. Throws Unreadable.
function readOnServer(file, as) {
  const said = [...state.log.prompts.values()].reduce((sum, frames) => sum + frames.size, 0);
  const room = {
    objects: Math.max(0, about.max_objects - state.log.prompts.size),
    prompts: Math.max(0, about.max_prompts - said),
    characters: Math.max(0, Math.floor(0.9 * about.max_message) - JSON.stringify(state.log.told).length),
  };
  const query = new URLSearchParams({ as, name: file.name.slice(-100), ...room });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    reading = request;
    request.open('POST', address(`import?${query}`));
    request.responseType = 'json';
    request.upload.onprogress = event => showReading(event.total ? event.loaded / event.total : null, 'Uploading…');
    request.upload.onload = () => showReading(null, 'Reading it…');
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else reject(new UnreadableFile(request.response?.error ?? 'The server did not take this file. Try again.'));
    };
    request.onerror = () =>
      reject(new UnreadableFile('The upload was interrupted. Check the connection and try again.'));
    request.onabort = () => resolve(null);
    showReading(0, 'Uploading…');
    request.send(file);
  });
}

const showReading = (fraction, text) => {
  if (reading) showProgress('Importing annotations', fraction, text, giveUpReading);
};

function giveUpReading() {
  reading?.abort();
  connection.send({ t: 'cancel', job: 'import' });
}

// The answer, or undefined where there is none and the user knows why.
async function readOrTell(file, as) {
  const { version } = state;
  try {
    const answer = await readOnServer(file, as);
    return answer && version === state.version ? answer : undefined;
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return void toast(`“${file.name}” was not imported. ${error.message}`);
  } finally {
    reading = null;
    showProgress('');
  }
}

export async function importAnnotations(file) {
  if (!file) return;
  if (!state.medium) return toast('Open the picture or clip first that these annotations are about. Then import them.');
  if (reading) return;
  const { version } = state;
  const answer = await readOrTell(file, 'masks');
  if (!answer) return;
  imported = { file, version, answer };
  describeImport(answer);
  importDialog.showModal();
}

function describeImport({ objects: listed, entries, frames: count, of, boxes }) {
  const all = counted(of, isClip() ? 'frame' : 'photo');
  const where = state.medium.kind === 'image' ? '' : count === of ? ` on all ${all}` : ` on ${count} of ${all}`;
  const names = [...new Set(listed.map(({ name, label }) => name || label).filter(Boolean))];
  const some = names.slice(0, NAMES_SHOWN).join(', ');
  const more = names.length - NAMES_SHOWN;
  const called = names.length ? `: ${some}${more > 0 ? ` and ${more} more` : ''}` : '';
  find('import-found').textContent = `${counted(listed.length, 'object')}${where}${called}`;
  find('import-as').hidden = boxes === entries.length;
  find('import-as').querySelector('[value=masks]').checked = true;
  find('import-notes').replaceChildren(...notesOn(imported.answer));
}

function notesOn({ entries, every, boxes, skipped, notes }) {
  const told = [...notes];
  if (boxes === entries.length) told.push('The file has boxes without outlines. The model finds the masks in them.');
  else if (boxes) told.push(`${boxes} of these have a box but no outline. The model finds the masks in them.`);
  if (every > 1) {
    const rest = isClip() ? 'Tracking finds those in between.' : 'The others are left out.';
    told.push(`One in ${every} masks of each object is taken, evenly, since no more fit. ${rest}`);
  }
  const reasons = skipped.slice(0, REASONS_SHOWN).map(({ count, reason, names }) => {
    const some = names.length ? ` (${names.join(', ')}${count > names.length ? ' …' : ''})` : '';
    return make('li', 'mk-import-skipped', `${count} left out. ${reason}${some}`);
  });
  if (skipped.length > REASONS_SHOWN) {
    const rest = skipped.slice(REASONS_SHOWN).reduce((sum, { count }) => sum + count, 0);
    reasons.push(make('li', 'mk-import-skipped', `${rest} more left out, for other reasons.`));
  }
  return [...told.map(text => make('li', '', text)), ...reasons];
}

async function addImported() {
  const { file, version, answer } = imported;
  const as = importDialog.querySelector('[name=mk-import-as]:checked').value;
  importDialog.close();
  const wanted = as === 'boxes' && answer.boxes < answer.entries.length ? await readOrTell(file, 'boxes') : answer;
  if (!wanted || version !== state.version) return;
  const before = state.log.newest;
  const said = wanted.entries.map(entry => ({ ...entry, object: before + entry.object }));
  const called = wanted.objects
    .filter(({ name, label }) => name || label)
    .map(({ id, name, label }) => ({
      traits: before + id,
      set: sanitizeTraits({ ...(name && { name }), ...(label && { label }) }),
    }));
  if (root.dataset.state !== 'work') setScreen('work');
  prompts.addStep([...said, ...called], 'Importing annotations');
  announce(`${counted(wanted.objects.length, 'object')} imported`);
  showTip(isClip() ? 'Imported. Track to find the objects on the other frames.' : 'Imported. Clicks refine the masks.');
}

export function setUpImportAnnotations() {
  on('server-progress', message => {
    if (message.job === 'import') showReading(message.fraction, message.message);
  });
  on('medium', () => importDialog.close());

  on('annotations-chosen', importAnnotations);
  listen(find('project-menu').querySelector('[data-project=import]'), 'click', () =>
    find('annotations-picker').click(),
  );
  listen(find('annotations-picker'), 'change', event => {
    importAnnotations(event.target.files[0]);
    event.target.value = '';
  });
  listen(find('import-ok'), 'click', addImported);
  listen(find('import-cancel'), 'click', () => importDialog.close());
}
