// What the review page holds, what is shown, and what modules share. Words of users get into the page by textContent only.

import { counted } from '../../../../ui/web/shared/format.js';

export const find = (name, within = document) => within.querySelector(`.${name}`);
export const about = JSON.parse(document.querySelector('#about').textContent);
export const { medium, times } = about;
export const shots = about.frames; // the frames of the source that are here; a "place" is an index into them
export const isClip = medium.kind === 'clip';
export const isAlbum = medium.kind === 'album';

export const state = {
  place: 0,
  playing: false,
  effect: 'overlay',
  strength: { overlay: 50, outline: 100, spotlight: 70, cutout: 100, off: 0 }, // in percent
  hidden: new Set(), // objects
  shown: null, // the decoded frame on the canvas
  chosen: null, // the note that is edited or was jumped to
  draft: null, // {frame, x, y, pin} of a note that is being written
  sent: true, // nothing is lost if the page is closed now
};

export function update(changes) {
  Object.assign(state, changes);
}

export const listen = (target, type, listener, options) => target.addEventListener(type, listener, options);
export const frameHere = () => shots[state.place];
export const sizeOf = frame => {
  const [height, width] = medium.sizes?.[frame] ?? [medium.height, medium.width];
  return { width, height };
};
export const objectOf = id => about.objects.find(each => each.id === id);
// {quality, presence, area} of an object's mask; undefined where nothing is known.
export const factsOf = (id, place) => {
  const [quality, presence, area] = about.found[id]?.[place] ?? [];
  return quality === undefined ? undefined : { quality, presence, area };
};

// For those who hear the page instead of seeing it.
export const announce = text => {
  find('live').textContent = text;
};

const size = `${medium.width} × ${medium.height}`;
const clipFacts = [size, counted(shots.length, 'frame'), `${+medium.fps.toFixed(2)} fps`];

export function setUpPage() {
  find('file-name').textContent = medium.name;
  find('file-name').title = medium.name;
  find('file-facts').textContent = isClip ? clipFacts.join(' · ') : isAlbum ? counted(shots.length, 'photo') : size;
  document.body.classList.add(isClip ? 'clip-here' : isAlbum && shots.length > 1 ? 'album' : 'still');
  find('notice').hidden = !about.left_out;
  find('notice').textContent = `To keep this file small, it shows every ${shots[1] - shots[0]}th frame only.`
    .replace(/\b2th/, '2nd')
    .replace(/\b3th/, '3rd');
}
