// The photos of an album: small pictures in a row, in the place of a clip's timeline.

const FILM_HEIGHT = 64;          // CSS pixels
const FILM_PIXELS = 96;          // height of the pictures that are fetched
const FILM_RETRY = 2000;         // milliseconds

const film = find('film');
let photos = [];                 // frame -> its button

function makePhoto(frame) {
  const { names } = state.medium, { width, height } = frameSize(frame);
  const item = make('li'), button = make('button', 'mk-photo'), picture = make('img');
  const source = address(`frames/${frame}?v=${state.version}&height=${FILM_PIXELS}`);
  button.type = 'button';
  button.style.width = `${clamp(Math.round(FILM_HEIGHT * width / height), 56, 132)}px`;
  Object.assign(picture, { alt: '', loading: 'lazy', decoding: 'async', draggable: false });
  picture.onerror = () => { picture.onerror = null; setTimeout(() => { picture.src = `${source}&again=1`; }, FILM_RETRY); };
  picture.src = source;
  button.append(picture, make('span', 'mk-photo-dots'), make('span', 'mk-photo-name', names[frame]));
  button.title = names[frame];
  button.onclick = () => goTo(frame);
  item.append(button);
  return item;
}

function buildFilm() {
  root.classList.toggle('mk-has-album', isAlbum());
  const items = isAlbum() ? state.medium.names.map((_, frame) => makePhoto(frame)) : [];
  photos = items.map(item => item.firstElementChild);
  film.replaceChildren(...items);
  film.scrollLeft = 0;
}

// A dot for each object that has a mask on the photo.
const masked = frame => objects.listed.filter(object => masks.lanes.get(object)?.[frame] === MASKED);

function describePhoto(frame, here) {
  const found = here.length ? `, ${counted(here.length, 'object')}` : '';
  return `Photo ${frame + 1} of ${photos.length}, ${state.medium.names[frame]}${found}`;
}

// Many masks may arrive at once; the row is brought up to date once a screen refresh.
let filmWaiting = false;
function updateFilm() {
  if (filmWaiting || !isAlbum()) return;
  filmWaiting = true;
  requestAnimationFrame(() => { filmWaiting = false; if (isAlbum()) photos.forEach(updatePhoto); });
}

function updatePhoto(button, frame) {
  const here = masked(frame), colors = here.map(object => objects.color(object)).join(' ');
  button.setAttribute('aria-label', describePhoto(frame, here));
  if (button.dataset.colors === colors) return;
  button.dataset.colors = colors;
  button.querySelector('.mk-photo-dots').replaceChildren(...here.map(object => {
    const dot = make('i');
    dot.style.background = objects.color(object);
    return dot;
  }));
}

function showCurrent() {
  if (!isAlbum()) return;
  const current = photos[state.frame], hadFocus = film.contains(document.activeElement);
  for (const button of photos) {
    const here = button === current;
    button.tabIndex = here ? 0 : -1;         // the row is one stop of the Tab key; arrow keys walk along it
    if (here !== (button.getAttribute('aria-current') === 'true')) button.setAttribute('aria-current', here);
  }
  if (hadFocus) current.focus({ preventScroll: true });
  film.scrollLeft = current.offsetLeft + current.offsetWidth / 2 - film.clientWidth / 2;
  find('earlier').disabled = state.frame === 0;
  find('later').disabled = state.frame === photos.length - 1;
  find('photo-number').textContent = `${state.frame + 1} / ${photos.length}`;
  find('photo-number').style.minWidth = `${2 * `${photos.length}`.length + 3}ch`;
  showPhotoFacts();
}

function showPhotoFacts() {
  const { width, height } = frameSize();
  find('file-name').textContent = state.medium.names[state.frame];
  find('file-facts').textContent = `${width} × ${height} · photo ${state.frame + 1} of ${photos.length}`;
}

const stepPhoto = step => {
  const frame = clamp(state.frame + step, 0, photos.length - 1);
  if (frame === state.frame) return;
  goTo(frame);
  announce(describePhoto(frame, masked(frame)));
};

on(find('earlier'), 'click', () => stepPhoto(-1));
on(find('later'), 'click', () => stepPhoto(1));
on(film, 'wheel', event => {
  if (event.ctrlKey || Math.abs(event.deltaX) > Math.abs(event.deltaY) || film.scrollWidth <= film.clientWidth) return;
  film.scrollLeft += event.deltaY;
  event.preventDefault();
}, { passive: false });

// Elsewhere these keys scroll the page.
const photoKeys = { PageUp: () => stepPhoto(-1), PageDown: () => stepPhoto(1) };
when('medium', () => {
  buildFilm();
  for (const [key, act] of Object.entries(photoKeys)) {
    if (isAlbum()) keys[key] = act;
    else delete keys[key];
  }
});
when('medium frame', showCurrent);
when('medium masks journal objects', updateFilm);
new ResizeObserver(showCurrent).observe(film);
