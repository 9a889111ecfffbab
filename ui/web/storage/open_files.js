// Opening files: one at a time, or several pictures, which are sent one after the other and then opened as an album or as a
// clip, or added to what is open.

import { isClip } from '../core/media.js';
import { toast } from '../core/notices.js';
import { about, find, listen, root } from '../core/page.js';
import { ask } from '../core/questions.js';
import { isWorking } from '../core/screen.js';
import { state } from '../core/store.js';
import { uploadFile } from '../net/uploads.js';
import { emit, on } from '../shared/events.js';
import { megabytes } from '../shared/format.js';
import { commas, plural, sentences, tr } from '../shared/language.js';
import { sentName, sortByNames } from './file_names.js';
import { isAnnotations, isProject, isSequence, isVideo, isZip } from './file_types.js';

/** @typedef {{ asClip?: boolean; scale?: boolean }} OpeningOptions as the frames of a clip; scaled down if it is too large */

/** Sends what was sent last once more, to be scaled down. */
let sendScaled = () => {};

const MAX_WARNINGS = 2; // that are shown one by one

/** @param {File} file */
const isTooLarge = file => file.size > about.max_upload_mb * 1e6;
/** @param {File} file */
const nameQuery = file => `name=${encodeURIComponent(sentName(file))}`;
/** @param {File[]} files */
const totalSize = files => files.reduce((sum, file) => sum + file.size, 0);

/**
 * @param {File | undefined} file
 * @param {SavedProject | null} [project] that is restored on it
 */
export function openFile(file, project = state.awaited) {
  if (!file) return;
  if (isProject(file)) return emit('project-chosen', file);
  const isMedium = isZip(file) && (project || !isWorking()); // of numbered pictures
  if (isAnnotations(file) && !isMedium) return emit('annotations-chosen', file);
  if (isTooLarge(file)) {
    const sizes = { name: file.name, size: megabytes(file.size), most: about.max_upload_mb };
    return toast(tr('“{name}” has {size}; up to {most} MB fit. Choose a smaller or shorter one.', sizes));
  }
  if (!file.size) return toast(tr('“{name}” is empty. Choose another file.', { name: file.name }));
  sendFile(file, { file, project });
}

/**
 * @param {File} file
 * @param {OpeningSource} source
 * @param {OpeningOptions} [options]
 */
function sendFile(file, source, options = {}) {
  sendScaled = () => sendFile(file, source, { scale: true });
  uploadFile(file, `upload?${nameQuery(file)}${parameters(options)}`, file.name, source);
}

/** @param {OpeningOptions} options */
const parameters = ({ asClip = false, scale = false }) => `${asClip ? '&clip=1' : ''}${scale ? '&scale=1' : ''}`;

/**
 * @param {Example} example
 * @param {SavedProject} [project] that is restored on it
 */
export const openExample = (example, project) =>
  uploadFile(null, `example/${example.name}`, example.title, { example, project });

const takesPhotos = () => !!state.medium && !isClip();

/**
 * @param {Iterable<File>} files
 * @param {SavedProject | null} [project] that is restored on them
 */
export async function openFiles(files, project = state.awaited) {
  const chosen = [...files];
  const names = project?.medium.names;
  if (chosen.length < 2) return openFile(chosen[0], project);
  if (chosen.every(file => isAnnotations(file) || isProject(file))) {
    return toast(tr('Open one project at a time. Several files of annotations go into one ZIP file; import that.'));
  }
  if (names) sortByNames(chosen, names);
  const asClip = project ? project.medium.kind === 'clip' : await isClipWanted(chosen);
  const photos = asClip === null ? null : usablePhotos(chosen, 0, asClip);
  if (photos) sendPhotos(photos, { files: photos, project }, { asClip: !!asClip });
}

/**
 * Null where the user wants nothing of both.
 * @param {File[]} files
 * @returns {Promise<boolean | null>}
 */
async function isClipWanted(files) {
  if (!isSequence(files) || files.some(isVideo)) return false;
  const text = tr('Their names differ by a number only. As a clip, objects are tracked from one to the next.');
  const title = plural(files.length, 'Open {n} numbered picture', 'Open {n} numbered pictures');
  const answer = await ask(title, text, [tr('As photos'), tr('As a clip')]);
  return answer === null ? null : answer === 1;
}

/** @param {Iterable<File>} files */
export function addPhotos(files) {
  const chosen = [...files];
  if (!chosen.length) return;
  if (!state.medium || isClip()) return toast(tr('Photos can be added to photos only. Open them on their own.'));
  const photos = usablePhotos(chosen, state.medium.frames);
  const { file, files: earlier = file && [file] } = state.source ?? {};
  if (photos) sendPhotos(photos, { files: earlier && [...earlier, ...photos], added: true });
}

/**
 * The photos that can be sent, or null; a toast is about the others.
 * @param {File[]} chosen
 * @param {number} existing how many photos are open already
 * @param {boolean} [asClip] they are the frames of a clip, of which none can be left out
 */
function usablePhotos(chosen, existing, asClip = false) {
  if (chosen.some(isVideo)) {
    toast(tr('Open a clip on its own, and photos together: the two do not mix.'));
    return null;
  }
  const photos = chosen.filter(file => file.size && !isTooLarge(file));
  const skipped = chosen.filter(file => !photos.includes(file));
  toastSkipped(
    skipped.map(({ name, size }) => ({
      name,
      reason: size
        ? tr('It has {size}; up to {most} MB fit.', { size: megabytes(size), most: about.max_upload_mb })
        : tr('It is empty.'),
    })),
  );
  if (asClip && skipped.length) return null;
  const count = photos.length + existing;
  const most = asClip ? about.max_frames : about.max_pictures;
  const bytes = totalSize(photos);
  if (count > most)
    toast(
      asClip
        ? plural(
            count,
            '{n} frame is too many: up to {most} fit together.',
            '{n} frames are too many: up to {most} fit together.',
            { most },
          )
        : plural(
            count,
            '{n} photo is too many: up to {most} fit together.',
            '{n} photos are too many: up to {most} fit together.',
            { most },
          ),
    );
  else if (bytes > about.max_album_mb * 1e6)
    toast(
      tr('These photos have {size}; up to {most} MB fit together.', {
        size: megabytes(bytes),
        most: about.max_album_mb,
      }),
    );
  else if (photos.length) return photos;
  return null;
}

/**
 * @param {File[]} photos
 * @param {OpeningSource} source
 * @param {OpeningOptions} [options]
 */
function sendPhotos(photos, source, options = {}) {
  sendScaled = () => sendPhotos(photos, source, { ...options, scale: true });
  const total = totalSize(photos);
  const batch = `${Date.now()}`;
  const title = options.asClip
    ? plural(photos.length, '{n} frame', '{n} frames')
    : plural(photos.length, '{n} photo', '{n} photos');
  /** @type {(place: number, sent: number) => void} */
  const sendFrom = (place, sent) => {
    const file = photos[place];
    const left = photos.length - 1 - place;
    const path = `upload?${nameQuery(file)}&batch=${batch}&left=${left}${source.added ? '&add=1' : ''}${parameters(options)}`;
    const onSent = () => {
      if (left) sendFrom(place + 1, sent + file.size);
    };
    uploadFile(file, path, title, source, { sent, total, onSent });
  };
  sendFrom(0, 0);
}

/**
 * One toast for all files that could not be used.
 * @param {{ name: string; reason: string }[]} files
 */
function toastSkipped(files) {
  if (!files.length) return;
  const names = commas(files.slice(0, 4).map(({ name }) => tr('“{name}”', { name })));
  const n = files.length;
  const more = n - 4;
  const [{ reason }] = files;
  const sharedReason = files.every(file => file.reason === reason) ? reason : '';
  if (n === 1) toast(sentences(tr('{name} was left out.', { name: names }), reason));
  else if (more > 0)
    toast(sentences(tr('{n} files were left out: {names} and {more} more.', { n, names, more }), sharedReason));
  else toast(sentences(tr('{n} files were left out: {names}.', { n, names }), sharedReason));
}

export function setUpOpenFiles() {
  on('server-opened', ({ skipped, warnings }) => {
    toastSkipped(skipped);
    const more = warnings.length - MAX_WARNINGS;
    for (const text of warnings.slice(0, MAX_WARNINGS)) toast(text, 'hint');
    if (more > 0)
      toast(
        plural(
          more,
          '{n} more photo was changed in the same way or is damaged.',
          '{n} more photos were changed in the same way or are damaged.',
        ),
        'hint',
      );
  });
  on('server-error', async ({ job, text, too_large: isTooLargeToOpen }) => {
    if (job !== 'ingest' || !isTooLargeToOpen) return;
    const send = sendScaled;
    if (
      await ask(
        tr('Scale it down?'),
        sentences(text, tr('Or open it scaled down: masks have the smaller size then.')),
        [tr('Cancel'), tr('Scale down')],
      )
    )
      send();
  });

  const adder = find('adder');
  listen(adder, 'change', () => {
    addPhotos(adder.files ?? []);
    adder.value = '';
  });
  for (const button of root.querySelectorAll('.mk-add-photos')) listen(button, 'click', () => adder.click());
  on('medium', () => root.classList.toggle('mk-takes-photos', takesPhotos()));
}
