// Ways to bring a picture or clip in: choose, drop, paste, camera (camera.js) and examples. Several photos: photos.js.

import { about, base, find, listen, root } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { icon, make } from '../shared/elements.js';
import { addPhotos, openExample, openFiles } from '../storage/open_files.js';

// Dropping works anywhere on the page.
let dragged = 0;
const carriesFile = event => [...(event.dataTransfer?.types ?? [])].includes('Files');
const showDropping = yes => {
  dragged = yes ? dragged : 0;
  root.classList.toggle('mk-dropping-now', yes);
};

export function setUpStartScreen() {
  listen(find('choose'), 'click', () => find('picker').click());
  listen(find('picker'), 'change', () => {
    openFiles(find('picker').files);
    find('picker').value = '';
  });
  listen(find('new'), 'click', () => setScreen(root.dataset.state === 'start' ? 'work' : 'start'));
  listen(find('back'), 'click', () => setScreen('work'));
  listen(window, 'dragenter', event => {
    if (carriesFile(event)) {
      dragged += 1;
      showDropping(true);
    }
  });
  listen(window, 'dragleave', event => {
    if (carriesFile(event) && --dragged <= 0) showDropping(false);
  });
  listen(window, 'dragover', event => {
    if (carriesFile(event)) event.preventDefault();
  });
  listen(window, 'drop', event => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    showDropping(false);
    // A dialog would hide what happens; but one asks for a file.
    for (const dialog of root.querySelectorAll('dialog[open]')) if (dialog !== find('file-dialog')) dialog.close();
    if (event.target.closest?.('.mk-photos')) addPhotos(event.dataTransfer.files);
    else openFiles(event.dataTransfer.files);
  });
  listen(window, 'paste', event => {
    openFiles([...(event.clipboardData?.files ?? [])].filter(file => /^(image|video)\//.test(file.type)));
  });

  for (const example of about.examples) {
    const card = make('button', 'mk-example');
    const picture = make('img');
    card.type = 'button';
    Object.assign(picture, { src: `${base}/examples/${example.name}.jpg`, alt: '' });
    const title = make('span', 'mk-example-title', example.title);
    card.append(picture, title);
    if (example.kind === 'clip') {
      const badge = make('span', 'mk-badge', 'Clip');
      badge.prepend(icon('film'));
      card.append(' ', badge);
    }
    listen(card, 'click', () => openExample(example));
    find('gallery').append(card);
  }
  find('limits').textContent =
    `Photos and clips up to ${about.max_upload_mb} MB, ${about.max_pictures} photos at once. They are deleted when you leave.`;
}
