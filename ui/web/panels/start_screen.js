// Ways to open an image or a clip: choose, drop, paste, and examples. The camera: camera.js; several photos:
// open_files.js; the large picture: hero.js.

import { about, base, find, listen, listenForFiles, root } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { icon, make, makeButton, targetOf } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { addPhotos, openExample, openFiles } from '../storage/open_files.js';

/** @param {DragEvent} event */
const filesOf = ({ dataTransfer }) => (dataTransfer?.types.includes('Files') ? dataTransfer.files : null);

/** @param {DragEvent} event */
function openDropped(event) {
  const files = filesOf(event);
  if (!files) return;
  event.preventDefault();
  // A dialog would hide what happens; but one asks for a file.
  for (const dialog of root.querySelectorAll('dialog')) if (dialog !== find('file-dialog')) dialog.close();
  if (targetOf(event).closest('.mk-photos')) addPhotos(files);
  else openFiles(files);
}

/** Files can be dropped anywhere on the page. */
function setUpDropping() {
  let depth = 0; // elements under the pointer that were entered and not left
  const setDepth = (/** @type {number} */ entered) => {
    depth = Math.max(0, entered);
    root.classList.toggle('mk-dropping-now', depth > 0);
  };
  listen(window, 'dragenter', event => filesOf(event) && setDepth(depth + 1));
  listen(window, 'dragleave', event => filesOf(event) && setDepth(depth - 1));
  listen(window, 'dragover', event => filesOf(event) && event.preventDefault());
  listen(window, 'drop', event => {
    if (filesOf(event)) setDepth(0);
    openDropped(event);
  });
}

/** @param {Example} example */
function exampleCard(example) {
  const card = makeButton('mk-example', '', () => openExample(example));
  const picture = make('img');
  Object.assign(picture, { src: `${base}/examples/${example.name}.jpg`, alt: '', loading: 'lazy' });
  card.append(picture, make('b', '', example.title), ' ', make('span', 'mk-example-idea', example.idea));
  if (example.kind === 'clip') {
    const badge = make('span', 'mk-badge', tr('Clip'));
    badge.prepend(icon('film'));
    card.append(' ', badge);
  }
  card.classList.toggle('mk-example-hero', example.name === about.hero.picture); // which is seen above, large
  return card;
}

export function setUpStartScreen() {
  listen(find('choose'), 'click', () => find('picker').click());
  listenForFiles(find('picker'), files => openFiles(files));
  listen(find('new'), 'click', () => setScreen('start'));
  listen(find('back'), 'click', () => setScreen('work'));
  on('opening', () => find('sheet').close()); // the progress is shown over the work
  setUpDropping();
  listen(window, 'paste', event => {
    openFiles([...(event.clipboardData?.files ?? [])].filter(file => /^(image|video)\//.test(file.type)));
  });
  find('gallery').append(...about.examples.filter(each => each.idea).map(exampleCard));
  find('credits').href = `${base}/examples/credits`;
  find('limits').textContent = tr(
    'Photos and clips up to {size} MB, {n} photos at once. The server deletes them when you leave; this browser keeps a copy, to go on with.',
    { size: about.max_upload_mb, n: about.max_pictures },
  );
}
