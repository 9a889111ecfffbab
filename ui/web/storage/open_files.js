// Several photos at once: sent one after the other, then opened as an album or added to what is open.

import { isClip } from '../core/media.js';
import { toast } from '../core/notices.js';
import { about, find, listen, root } from '../core/page.js';
import { state } from '../core/store.js';
import { uploadFile } from '../net/uploads.js';
import { emit, on } from '../shared/events.js';
import { counted, megabytes } from '../shared/format.js';
import { isAnnotations, isProject, isVideo } from './file_types.js';

export function openFile(file, back = state.awaited) {
  if (!file) return;
  if (isProject(file)) return emit('project-chosen', file);
  if (isAnnotations(file)) return emit('annotations-chosen', file);
  if (file.size > about.max_upload_mb * 1e6) {
    toast(
      `“${file.name}” has ${megabytes(file.size)}; up to ${about.max_upload_mb} MB fit. Choose a smaller or shorter one.`,
    );
    return;
  }
  if (!file.size) return toast(`“${file.name}” is empty. Choose another file.`);
  uploadFile(file, `upload?name=${encodeURIComponent(file.name)}`, file.name, { file, back });
}

export const openExample = (example, back) =>
  uploadFile(null, `example/${example.name}`, example.title, { example, back });
const takesPhotos = () => !!state.medium && !isClip();

// `back`: the work that goes on with these files.
export function openFiles(files, back = state.awaited) {
  const chosen = [...files];
  const { names } = back?.medium ?? {};
  if (chosen.length < 2) return openFile(chosen[0], back);
  if (chosen.every(file => isAnnotations(file) || isProject(file))) {
    return toast('Open one project at a time. Several files of annotations go into one ZIP file; import that.');
  }
  if (names) chosen.sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
  const photos = usablePhotos(chosen, 0);
  if (photos) sendPhotos(photos, { files: photos, back });
}

export function addPhotos(files) {
  const chosen = [...files];
  if (!chosen.length) return;
  if (!takesPhotos()) return toast('Photos can be added to photos only. Open them on their own.');
  const photos = usablePhotos(chosen, state.medium.frames);
  const { file, files: earlier = file && [file] } = state.source ?? {};
  if (photos) sendPhotos(photos, { files: earlier && [...earlier, ...photos], added: true }, true);
}

// What of a choice can be sent, or null; the user is told about the rest.
function usablePhotos(chosen, already) {
  if (chosen.some(isVideo)) {
    toast('Open a clip on its own, and photos together: the two do not mix.');
    return null;
  }
  const tooLarge = file => file.size > about.max_upload_mb * 1e6;
  const photos = chosen.filter(file => file.size && !tooLarge(file));
  const reason = file =>
    file.size ? `It has ${megabytes(file.size)}; up to ${about.max_upload_mb} MB fit.` : 'It is empty.';
  tellLeftOut(chosen.filter(file => !photos.includes(file)).map(file => ({ name: file.name, reason: reason(file) })));
  const total = photos.reduce((sum, file) => sum + file.size, 0);
  const count = photos.length + already;
  if (count > about.max_pictures)
    toast(`${counted(count, 'photo')} are too many: up to ${about.max_pictures} fit together.`);
  else if (total > about.max_album_mb * 1e6)
    toast(`These photos have ${megabytes(total)}; up to ${about.max_album_mb} MB fit together.`);
  else if (photos.length) return photos;
  return null;
}

function sendPhotos(photos, source, add = false) {
  const total = photos.reduce((sum, file) => sum + file.size, 0);
  const batch = `${Date.now()}`;
  const title = counted(photos.length, 'photo');
  const sendFrom = (place, sent) => {
    const file = photos[place];
    const left = photos.length - 1 - place;
    const path = `upload?name=${encodeURIComponent(file.name)}&batch=${batch}&left=${left}${add ? '&add=1' : ''}`;
    uploadFile(file, path, title, source, {
      sent,
      total,
      onSent: () => {
        if (left) sendFrom(place + 1, sent + file.size);
      },
    });
  };
  sendFrom(0, 0);
}

// One toast for all files that could not be used.
function tellLeftOut(files) {
  if (!files.length) return;
  const names = files
    .slice(0, 4)
    .map(file => `“${file.name}”`)
    .join(', ');
  const more = files.length - 4;
  const [{ reason }] = files;
  const why = files.every(file => file.reason === reason) ? ` ${reason}` : '';
  if (files.length === 1) toast(`${names} was left out. ${reason}`);
  else toast(`${files.length} files were left out: ${names}${more > 0 ? ` and ${more} more` : ''}.${why}`);
}

export function setUpOpenFiles() {
  on('server-opened', message => tellLeftOut(message.skipped));

  listen(find('adder'), 'change', () => {
    addPhotos(find('adder').files);
    find('adder').value = '';
  });
  for (const button of root.querySelectorAll('.mk-add-photos')) listen(button, 'click', () => find('adder').click());
  on('medium', () => root.classList.toggle('mk-takes-photos', takesPhotos()));
}
