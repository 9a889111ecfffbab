// The project menu: save what is open as a file, with or without all masks, and go on with such a file.

const projectMenu = find('project-menu');
makeMenu(find('project-open'), projectMenu);

let gathering = false;           // masks are on their way to a project file

function download(text, name) {
  const link = make('a'), url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  Object.assign(link, { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  toast(`${name} is saved.`, 'hint');
}

function saveProject(masksOf) {
  const stem = state.medium.name.replace(/\.[^.]*$/, '') || 'masklet';
  download(projectOf(snapshot(), masksOf), `${stem}.masklet.json`);
}

// --- with masks: the server writes them all, as for a download ---

function saveWithMasks() {
  const all = [...journal.said.keys()].map(id => ({ id, name: '', label: '', color: [0, 0, 0] }));
  if (!all.length) return toast('Select something first. Then there are masks to save.', 'hint');
  if (exporting) return toast('A download is under way. Wait until it is done.', 'hint');
  if (!line.say({ t: 'export', kind: 'coco', objects: all })) {
    return toast('There is no connection right now. Try again in a moment.');
  }
  gathering = true;
  veil('Saving with masks', null, 'Starting…', stopGathering);
}

function stopGathering() {
  gathering = false;
  line.say({ t: 'cancel', job: 'export' });
  veil('');
}

when('server-progress', message => {
  if (gathering && message.job === 'export') veil('Saving with masks', message.fraction, message.message, stopGathering);
});
when('server-error', message => { if (gathering && message.job === 'export') { gathering = false; veil(''); } });
when('server-done', async message => {
  if (!gathering || message.job !== 'export') return;
  try {
    const answer = await fetch(exportAddress(message));
    if (!answer.ok) throw new Error(`masks: ${answer.status}`);
    const found = masksByObject(await answer.json());
    if (gathering) saveProject(found);
  } catch {
    toast('The masks could not be fetched. Check the connection and try again.');
  }
  gathering = false;
  veil('');
});
when('medium', () => { gathering = false; });

function masksByObject({ images, annotations }) {
  const frameOf = new Map(images.map(image => [image.id, image.frame_index])), found = {};
  for (const { image_id: image, track_id: object, segmentation } of annotations) {
    found[object] ??= {};
    found[object][frameOf.get(image)] = segmentation;
  }
  return found;
}

// --- opening ---

const isProject = file => /\.json$/i.test(file.name) || file.type === 'application/json';

async function openProject(file) {
  const review = await reviewIn(file);
  if (review) return openReview(review);
  let project;
  try {
    project = await readProject(file);
  } catch (error) {
    if (error instanceof NoProject && state.medium) return importAnnotations(file);
    return toast(error instanceof BadProject ? error.message : 'This file could not be read. Choose it again.');
  }
  const here = state.medium && agrees(project.medium, state.medium) && project.medium.name === state.medium.name;
  if (!here || line.status !== 'on' || state.reopening) return bringBack(project);
  keep();                        // what is open stays on the shelf
  adopt({ ...project, fileKeys: work?.fileKeys });
  setMedium(state.medium, state.version);
  tellJournal();
  tell('medium');
  tell('journal');
  goTo(project.frame);
}

on(projectMenu.querySelector('[data-project=save]'), 'click', () => saveProject());
on(projectMenu.querySelector('[data-project=masks]'), 'click', saveWithMasks);
on(projectMenu.querySelector('[data-project=open]'), 'click', () => find('project-picker').click());
on(find('project-picker'), 'change', event => {
  if (event.target.files[0]) openProject(event.target.files[0]);
  event.target.value = '';
});
on(window, 'keydown', event => {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 's') return;
  if (!state.medium || root.dataset.state !== 'work') return;
  event.preventDefault();        // or the browser would save the page
  if (find('veil').hidden) saveProject();
});
