// Ways to bring a picture or clip in: choose, drop, paste, camera (camera.js) and examples. Several photos: photos.js.

let sending = null;              // the request on its way

// A file of a batch: `sent` of its `total` bytes are there already, `then` goes on with the next one.
function send(body, path, title, source, { sent = 0, total = body?.size ?? 0, then = null } = {}) {
  if (!state.token) return toast('There is no connection to the server yet. Try again in a moment.');
  cancelSending();
  const request = sending = new XMLHttpRequest();
  request.open('POST', address(path));
  request.upload.onprogress = event => {
    const loaded = sent + event.loaded, done = event.lengthComputable && total ? Math.min(1, loaded / total) : null;
    veil(title, done, done === 1 ? 'Reading it…' : `Uploading ${megabytes(loaded)} of ${megabytes(total)}`, cancelOpening);
  };
  request.onload = () => {
    sending = null;
    if (request.status !== 202) refuse(request);
    else then?.();
  };
  request.onerror = () => { cancelOpening(); toast('The upload was interrupted. Check the connection and try again.'); };
  state.opening = source;
  fileDialog.close();
  veil(title, sent ? sent / total : null, 'Uploading…', cancelOpening);
  request.send(body);
}

// What was to be opened did not come.
function unopened() {
  state.opening = null;
  veil('');
  tell('unopened');
}

function refuse(request) {
  cancelOpening();
  let text = 'The server did not take this file. Try again.';
  try { text = JSON.parse(request.responseText).error ?? text; } catch { /* a proxy's own page */ }
  if (request.status === 413) text = `This file is too large. Up to ${about.max_upload_mb} MB fit.`;
  toast(text);
}

const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function cancelSending() {
  sending?.abort();
  sending = state.opening = null;
}

function cancelOpening() {
  cancelSending();
  line.say({ t: 'cancel', job: 'ingest' });
  unopened();
}

function openFile(file, back = wanted) {
  if (!file) return;
  if (isProject(file)) return openProject(file);
  if (isAnnotations(file)) return importAnnotations(file);
  if (file.size > about.max_upload_mb * 1e6) {
    toast(`“${file.name}” has ${megabytes(file.size)}; up to ${about.max_upload_mb} MB fit. Choose a smaller or shorter one.`);
    return;
  }
  if (!file.size) return toast(`“${file.name}” is empty. Choose another file.`);
  send(file, `upload?name=${encodeURIComponent(file.name)}`, file.name, { file, back });
}

const openExample = (example, back) => send(null, `example/${example.name}`, example.title, { example, back });

when('server-progress', message => {
  if (message.job === 'ingest') veil(find('veil-title').textContent || 'Opening', message.fraction, message.message, cancelOpening);
});
when('server-error', message => { if (message.job === 'ingest') unopened(); });

on(find('choose'), 'click', () => find('picker').click());
on(find('picker'), 'change', () => { openFiles(find('picker').files); find('picker').value = ''; });
on(find('new'), 'click', () => setScreen(root.dataset.state === 'start' ? 'work' : 'start'));
on(find('back'), 'click', () => setScreen('work'));

// Dropping works anywhere on the page.
let dragged = 0;
const carriesFile = event => [...(event.dataTransfer?.types ?? [])].includes('Files');
const showDropping = yes => { dragged = yes ? dragged : 0; root.classList.toggle('mk-dropping-now', yes); };
on(window, 'dragenter', event => { if (carriesFile(event)) { dragged += 1; showDropping(true); } });
on(window, 'dragleave', event => { if (carriesFile(event) && --dragged <= 0) showDropping(false); });
on(window, 'dragover', event => { if (carriesFile(event)) event.preventDefault(); });
on(window, 'drop', event => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  showDropping(false);
  // A dialog would hide what happens; but one asks for a file.
  for (const dialog of root.querySelectorAll('dialog[open]')) if (dialog !== fileDialog) dialog.close();
  if (event.target.closest?.('.mk-photos')) addPhotos(event.dataTransfer.files);
  else openFiles(event.dataTransfer.files);
});
on(window, 'paste', event => {
  openFiles([...(event.clipboardData?.files ?? [])].filter(file => /^(image|video)\//.test(file.type)));
});

for (const example of about.examples) {
  const card = make('button', 'mk-example'), picture = make('img');
  card.type = 'button';
  Object.assign(picture, { src: `${base}/examples/${example.name}.jpg`, alt: '' });
  const title = make('span', 'mk-example-title', example.title);
  card.append(picture, title);
  if (example.kind === 'clip') {
    const badge = make('span', 'mk-badge', 'Clip');
    badge.prepend(icon('film'));
    card.append(' ', badge);
  }
  on(card, 'click', () => openExample(example));
  find('gallery').append(card);
}
find('limits').textContent = `Photos and clips up to ${about.max_upload_mb} MB, ${about.max_pictures} photos at once. They are deleted when you leave.`;
