// The photos of an album: small pictures in a row, in the place of a clip's timeline.

import { frameSize, isAlbum } from '../core/media.js';
import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { address, find, listen, root } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { make } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { oncePerFrame } from '../shared/refresh.js';
import { clamp } from '../shared/values.js';
import { MASKED, masks } from '../viewport/masks.js';
import { goTo } from './navigation.js';

const FILM_HEIGHT = 64; // CSS pixels
const FILM_PIXELS = 96; // height of the pictures that are fetched
const FILM_RETRY = 2000; // milliseconds

const filmStrip = find('film');
let photoButtons = []; // frame -> its button

function makePhoto(frame) {
  const { names } = state.medium;
  const { width, height } = frameSize(frame);
  const item = make('li');
  const button = make('button', 'mk-photo');
  const picture = make('img');
  const source = address(`frames/${frame}?v=${state.version}&height=${FILM_PIXELS}`);
  button.type = 'button';
  button.style.width = `${clamp(Math.round((FILM_HEIGHT * width) / height), 56, 132)}px`;
  Object.assign(picture, { alt: '', loading: 'lazy', decoding: 'async', draggable: false });
  picture.onerror = () => {
    picture.onerror = null;
    setTimeout(() => {
      picture.src = `${source}&again=1`;
    }, FILM_RETRY);
  };
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
  photoButtons = items.map(item => item.firstElementChild);
  filmStrip.replaceChildren(...items);
  filmStrip.scrollLeft = 0;
}

// A dot for each object that has a mask on the photo.
const masked = frame => objects.listed.filter(object => masks.lanes.get(object)?.[frame] === MASKED);

function describePhoto(frame, here) {
  const found = here.length ? `, ${counted(here.length, 'object')}` : '';
  return `Photo ${frame + 1} of ${photoButtons.length}, ${state.medium.names[frame]}${found}`;
}

// Many masks may arrive at once; the row is brought up to date once a screen refresh.
const updateFilm = oncePerFrame(() => {
  if (isAlbum()) photoButtons.forEach(updatePhoto);
});

function updatePhoto(button, frame) {
  const here = masked(frame);
  const colors = here.map(object => objects.color(object)).join(' ');
  button.setAttribute('aria-label', describePhoto(frame, here));
  if (button.dataset.colors === colors) return;
  button.dataset.colors = colors;
  button.querySelector('.mk-photo-dots').replaceChildren(
    ...here.map(object => {
      const dot = make('i');
      dot.style.background = objects.color(object);
      return dot;
    }),
  );
}

function showCurrent() {
  if (!isAlbum()) return;
  const current = photoButtons[state.frame];
  const hadFocus = filmStrip.contains(document.activeElement);
  for (const button of photoButtons) {
    const here = button === current;
    button.tabIndex = here ? 0 : -1; // the row is one stop of the Tab key; arrow keys walk along it
    if (here !== (button.getAttribute('aria-current') === 'true')) button.setAttribute('aria-current', here);
  }
  if (hadFocus) current.focus({ preventScroll: true });
  filmStrip.scrollLeft = current.offsetLeft + current.offsetWidth / 2 - filmStrip.clientWidth / 2;
  find('earlier').disabled = state.frame === 0;
  find('later').disabled = state.frame === photoButtons.length - 1;
  find('photo-number').textContent = `${state.frame + 1} / ${photoButtons.length}`;
  find('photo-number').style.minWidth = `${2 * `${photoButtons.length}`.length + 3}ch`;
  showPhotoFacts();
}

function showPhotoFacts() {
  const { width, height } = frameSize();
  find('file-name').textContent = state.medium.names[state.frame];
  find('file-facts').textContent = `${width} × ${height} · photo ${state.frame + 1} of ${photoButtons.length}`;
}

const stepPhoto = step => {
  const frame = clamp(state.frame + step, 0, photoButtons.length - 1);
  if (frame === state.frame) return;
  goTo(frame);
  announce(describePhoto(frame, masked(frame)));
};

// Elsewhere these keys scroll the page.
const photoKeys = { PageUp: () => stepPhoto(-1), PageDown: () => stepPhoto(1) };

export function setUpFilmStrip() {
  listen(find('earlier'), 'click', () => stepPhoto(-1));
  listen(find('later'), 'click', () => stepPhoto(1));
  listen(
    filmStrip,
    'wheel',
    event => {
      if (
        event.ctrlKey ||
        Math.abs(event.deltaX) > Math.abs(event.deltaY) ||
        filmStrip.scrollWidth <= filmStrip.clientWidth
      )
        return;
      filmStrip.scrollLeft += event.deltaY;
      event.preventDefault();
    },
    { passive: false },
  );
  on('medium', () => {
    buildFilm();
    for (const [key, act] of Object.entries(photoKeys)) {
      if (isAlbum()) shortcuts[key] = act;
      else delete shortcuts[key];
    }
  });
  on('medium frame', showCurrent);
  on('medium masks log objects', updateFilm);
  new ResizeObserver(showCurrent).observe(filmStrip);
}
