// The film strip: the photos of an album in a row, in the place of a clip's timeline.

import { frameSize, isAlbum, openMedium } from '../core/media.js';
import { announce } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { address, find, listen, root } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { make, showName } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { dimensions } from '../shared/format.js';
import { commas, plural, tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';
import { clamp } from '../shared/values.js';
import { MASKED, masks } from '../viewport/masks.js';
import { goTo } from './navigation.js';

const PHOTO_HEIGHT = 64; // CSS pixels
const MIN_PHOTO_WIDTH = 56;
const MAX_PHOTO_WIDTH = 132;
const FETCHED_HEIGHT = 96; // pixels
const RETRY_DELAY = 2000; // milliseconds

const filmStrip = find('film-strip');
/** @type {{ button: HTMLButtonElement; dots: HTMLElement }[]} of each frame */
let photos = [];

/** @param {number} frame */
const nameOf = frame => openMedium().names?.[frame] ?? '';

/** @param {number} frame */
function makePhoto(frame) {
  const { width, height } = frameSize(frame);
  const button = make('button', 'mk-photo');
  const image = make('img');
  const dots = make('span', 'mk-photo-dots');
  const source = address(`frames/${frame}?v=${state.version}&height=${FETCHED_HEIGHT}`);
  button.type = 'button';
  button.style.width = `${clamp(Math.round((PHOTO_HEIGHT * width) / height), MIN_PHOTO_WIDTH, MAX_PHOTO_WIDTH)}px`;
  Object.assign(image, { alt: '', loading: 'lazy', decoding: 'async', draggable: false });
  image.onerror = () => {
    image.onerror = null;
    setTimeout(() => {
      image.src = `${source}&again=1`;
    }, RETRY_DELAY);
  };
  image.src = source;
  const name = make('span', 'mk-photo-name');
  showName(name, nameOf(frame));
  button.append(image, dots, name);
  button.title = nameOf(frame);
  button.onclick = () => goTo(frame);
  return { button, dots };
}

function buildFilmStrip() {
  root.classList.toggle('mk-has-album', isAlbum());
  photos = isAlbum() ? Array.from({ length: openMedium().frames }, (_, frame) => makePhoto(frame)) : [];
  const items = photos.map(({ button }) => {
    const item = make('li');
    item.append(button);
    return item;
  });
  filmStrip.replaceChildren(...items);
  filmStrip.scrollLeft = 0;
}

/**
 * The objects that have a mask on the photo.
 * @param {number} frame
 */
const objectsOn = frame => objects.listed.filter(object => masks.lanes.get(object)?.[frame] === MASKED);

/**
 * @param {number} frame
 * @param {number[]} found its objects
 */
const describePhoto = (frame, found) =>
  commas([
    tr('Photo {n} of {count}', { n: frame + 1, count: photos.length }),
    nameOf(frame),
    found.length ? plural(found.length, '{n} object', '{n} objects') : '',
  ]);

/** A dot for each object that has a mask on the photo; photos that have one are done. */
function updatePhotos() {
  let done = 0;
  for (const [frame, { button, dots }] of photos.entries()) {
    const found = objectsOn(frame);
    if (found.length) done += 1;
    const colors = found.map(object => objects.color(object));
    button.setAttribute('aria-label', describePhoto(frame, found));
    if (dots.dataset.colors === colors.join(' ')) continue;
    dots.dataset.colors = colors.join(' ');
    dots.replaceChildren(
      ...colors.map(color => {
        const dot = make('i');
        dot.style.background = color;
        return dot;
      }),
    );
  }
  find('photos-done').textContent = tr('{n} of {count} done', { n: done, count: photos.length });
  find('photos-done').style.setProperty('--done', `${done / Math.max(1, photos.length)}`);
}

function showCurrent() {
  if (!isAlbum()) return;
  const { button: current } = photos[state.frame];
  const hadFocus = filmStrip.contains(document.activeElement);
  for (const { button } of photos) {
    const isCurrent = `${button === current}`;
    button.tabIndex = button === current ? 0 : -1; // the row is one stop of the Tab key; arrow keys move within it
    if (button.getAttribute('aria-current') !== isCurrent) button.setAttribute('aria-current', isCurrent);
  }
  if (hadFocus) current.focus({ preventScroll: true });
  filmStrip.scrollLeft = current.offsetLeft + current.offsetWidth / 2 - filmStrip.clientWidth / 2;
  find('earlier').disabled = state.frame === 0;
  find('later').disabled = state.frame === photos.length - 1;
  find('photo-number').textContent = `${state.frame + 1} / ${photos.length}`;
  find('photo-number').style.minWidth = `${2 * `${photos.length}`.length + 3}ch`;
  showName(find('file-name'), nameOf(state.frame));
  find('file-facts').textContent =
    `${dimensions(frameSize())} · ${tr('photo {n} of {count}', { n: state.frame + 1, count: photos.length })}`;
}

/** @param {1 | -1} step */
function stepPhoto(step) {
  const frame = clamp(state.frame + step, 0, photos.length - 1);
  if (frame === state.frame) return;
  goTo(frame);
  announce(describePhoto(frame, objectsOn(frame)));
}

/** With anything but an album these keys scroll the page. */
const albumShortcuts = { PageUp: () => stepPhoto(-1), PageDown: () => stepPhoto(1) };

function updateShortcuts() {
  if (isAlbum()) Object.assign(shortcuts, albumShortcuts);
  else for (const key of Object.keys(albumShortcuts)) delete shortcuts[key];
}

/**
 * A mouse wheel scrolls the row.
 * @param {WheelEvent} event
 */
function handleWheel(event) {
  const isVertical = !event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY);
  if (!isVertical || filmStrip.scrollWidth <= filmStrip.clientWidth) return;
  filmStrip.scrollLeft += event.deltaY;
  event.preventDefault();
}

export function setUpFilmStrip() {
  listen(find('earlier'), 'click', () => stepPhoto(-1));
  listen(find('later'), 'click', () => stepPhoto(1));
  listen(filmStrip, 'wheel', handleWheel, { passive: false });
  on('medium', buildFilmStrip);
  on('medium', updateShortcuts);
  on('medium frame', showCurrent);
  on('medium masks log objects', oncePerFrame(updatePhotos));
  new ResizeObserver(showCurrent).observe(filmStrip);
}
