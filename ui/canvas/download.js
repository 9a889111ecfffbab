// The download menu: the server writes the file, the browser fetches it.

const menu = find('download-menu');
const OVERLAYS = {
  image: ['Overlay picture', 'PNG with the masks drawn in', 'png'],
  clip: ['Overlay video', 'MP4 with the masks drawn in, sound kept', 'mp4'],
  album: ['Overlay pictures', 'JPEG files with the masks drawn in, in a zip', 'jpg'],
};
let exporting = false;

const setMenu = makeMenu(find('download'), menu, () => {
  menu.classList.toggle('mk-empty', !objects.forExport().length);
  const [title, text] = OVERLAYS[state.medium.kind];
  Object.assign(find('overlay-title'), { textContent: title });
  find('overlay-text').textContent = text;
});

function startExport(kind) {
  if (exporting) return;
  const look = { layers: [{ effect: 'overlay', opacity: state.opacity }] };
  if (!line.say({ t: 'export', kind, objects: objects.forExport(), look })) {
    toast('There is no connection right now. Try again in a moment.');
    return;
  }
  setExporting(true);
}

function setExporting(running) {
  exporting = running;
  find('export').hidden = !running;
  find('export-text').textContent = 'Starting…';
  setProgress(find('progress', find('export')), null);
  for (const item of menu.querySelectorAll('[data-kind]')) item.disabled = running;
}

when('server-progress', message => {
  if (message.job !== 'export' || !exporting) return;
  setProgress(find('progress', find('export')), message.fraction);
  const percent = message.fraction === null ? '' : ` ${Math.round(100 * message.fraction)}%`;
  find('export-text').textContent = `${message.message}${percent}`;
});
when('server-error', message => { if (message.job === 'export') setExporting(false); });
when('server-done', message => {
  if (message.job !== 'export' || !exporting) return;
  setExporting(false);
  setMenu(false);
  const link = make('a');
  Object.assign(link, { href: address(message.url.split('/').map(encodeURIComponent).join('/')), download: message.name });
  document.body.append(link);
  link.click();
  link.remove();
  toast(`${message.name} is ready.`, 'hint');
});

for (const item of menu.querySelectorAll('[data-kind]')) on(item, 'click', () => {
  const { kind } = item.dataset;
  startExport(kind === 'overlay' ? OVERLAYS[state.medium.kind][2] : kind);
});
on(find('export-cancel'), 'click', () => { line.say({ t: 'cancel', job: 'export' }); setExporting(false); });
when('medium', () => { setExporting(false); setMenu(false); });
