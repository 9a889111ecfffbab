// The page's common ground: what the file holds, what is shown, and what happened. All scripts of this folder are one
// function body. Words of users get into the page by textContent only.

const find = (name, within = document) => within.querySelector(`.${name}`);
const about = JSON.parse(document.querySelector('#about').textContent);
const { medium, times } = about;
const shots = about.frames;      // the frames of the source that are here; a "place" is an index into them
const isClip = medium.kind === 'clip', isAlbum = medium.kind === 'album';

const state = {
  place: 0,
  playing: false,
  effect: 'overlay',
  strength: { overlay: 50, outline: 100, spotlight: 70, cutout: 100, off: 0 },   // in percent
  hidden: new Set(),             // objects
};

const on = (target, type, listener, options) => target.addEventListener(type, listener, options);

// What happened, for whoever wants to know: frame, view, look, verdicts, notes.
const listeners = new Map();
const when = (names, listener) => names.split(' ').forEach(name => {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
});
const tell = name => (listeners.get(name) ?? []).forEach(listener => listener());

const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
const frameHere = () => shots[state.place];
const sizeOf = frame => {
  const [height, width] = medium.sizes?.[frame] ?? [medium.height, medium.width];
  return { width, height };
};
const objectOf = id => about.objects.find(each => each.id === id);
// {quality, presence, area} of an object's mask; undefined where nothing is known.
const factsOf = (id, place) => {
  const [quality, presence, area] = about.found[id]?.[place] ?? [];
  return quality === undefined ? undefined : { quality, presence, area };
};

function make(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  return svg;
}

function iconButton(name, label, className = '') {
  const button = make('button', `icon ${className}`);
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  return button;
}

const setIcon = (button, name) => button.querySelector('use').setAttribute('href', `#${name}`);

// For those who hear the page instead of seeing it.
const announce = text => { find('live').textContent = text; };

// A dialog closes by its cross and by a click beside it.
function closes(dialog, button) {
  on(button, 'click', () => dialog.close());
  on(dialog, 'click', event => { if (event.target === dialog) dialog.close(); });
}

// Whatever is wished for more than once is done once, before the screen is drawn.
function onceARefresh(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; work(); });
  };
}

const size = `${medium.width} × ${medium.height}`;
const clipFacts = [size, counted(shots.length, 'frame'), `${+medium.fps.toFixed(2)} fps`];
find('file-name').textContent = medium.name;
find('file-name').title = medium.name;
find('file-facts').textContent = isClip ? clipFacts.join(' · ') : isAlbum ? counted(shots.length, 'photo') : size;
document.body.classList.add(isClip ? 'clip-here' : isAlbum && shots.length > 1 ? 'album' : 'still');
find('notice').hidden = !about.left_out;
find('notice').textContent = `To keep this file small, it shows every ${shots[1] - shots[0]}th frame only.`
  .replace(/\b2th/, '2nd').replace(/\b3th/, '3rd');
