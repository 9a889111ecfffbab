// The page's common ground: its elements, its state, what happened, and words to the user.
// All files in this folder are one function body, in the order that ui/layout.py lists; Gradio runs it once a mount with
// element, props, trigger and watch in scope.

const root = element.querySelector('.mk');
const find = (name, within = root) => within.querySelector(`.mk-${name}`);
const about = JSON.parse(props.about);
const base = (window.gradio_config?.root ?? location.origin).replace(/\/$/, '');

const state = {
  token: '',          // key to our things on the server
  medium: null,       // {kind, name, frames, fps, height, width, times}; of an album also sizes and names of its photos
  version: 0,         // of the medium, in the addresses of its frames
  frame: 0,
  active: 1,          // the object that clicks are about
  tool: 'point',      // point, scribble, lasso or paint
  adding: true,       // a click adds (or takes away)
  opacity: 0.5,
  outline: true,
  patterns: false,    // masks are hatched, each object in its own way
  playing: false,
  range: null,        // {first, last}: what is played and tracked; null is the whole clip
  tracking: null,     // {run, direction, stopping} while the server tracks
  ready: false,       // the network is loaded
  waiting: '',        // what our wishes wait for, in words
  source: null,       // {file}, {files} or {example}: to open the same again after the server forgot us
  opening: null,      // the same of what is on its way; `back`: the work that goes on with it
  reopening: false,   // the server forgot us, and what was open is on its way again
};

// Listeners of one mount end together; gr.HTML tells nobody when it is unmounted.
const mount = new AbortController();
const on = (target, type, listener, options = {}) =>
  target.addEventListener(type, listener, { signal: mount.signal, ...options });
const watcher = new MutationObserver(() => {
  if (!element.isConnected) { mount.abort(); watcher.disconnect(); }
});
watcher.observe(document.body, { childList: true, subtree: true });

// What happened, for whoever wants to know: medium, frame, journal, masks, objects, look, line, tracking, view, range, rail.
const listeners = new Map();
const when = (names, listener) => names.split(' ').forEach(name => {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
});
const tell = (name, detail) => (listeners.get(name) ?? []).forEach(listener => listener(detail));

const fingersOnly = matchMedia('(hover: none) and (pointer: coarse)').matches;
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
const isPlain = value => value !== null && typeof value === 'object' && !Array.isArray(value);
const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
const isClip = () => state.medium?.kind === 'clip';
const isAlbum = () => state.medium?.kind === 'album';
const frameSize = (frame = state.frame) => {
  const { sizes, height: high, width: wide } = state.medium, [height, width] = sizes?.[frame] ?? [high, wide];
  return { width, height };
};
const address = path => `${base}/s/${state.token}/${path}`;

function make(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#mk-${name}`);
  svg.append(use);
  return svg;
}

function iconButton(name, label, className = '') {
  const button = make('button', `mk-icon ${className}`);
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  return button;
}

const setIcon = (button, name) => button.querySelector('use').setAttribute('href', `#mk-${name}`);

function setProgress(bar, fraction) {
  bar.classList.toggle('mk-unknown', fraction === null || fraction === undefined);
  bar.firstElementChild.style.transform = `scaleX(${clamp(fraction ?? 1, 0, 1)})`;
}

// A toast says what went wrong and stays long enough to be read; the same one twice is shown once.
function toast(text, kind = 'error') {
  const shown = find('toasts');
  for (const other of shown.children) if (other.dataset.text === text) other.remove();
  const card = make('div', `mk-toast mk-toast-${kind}`);
  card.dataset.text = text;
  card.append(make('span', '', text));
  const close = iconButton('close', 'Dismiss');
  close.onclick = () => card.remove();
  card.append(close);
  shown.append(card);
  while (shown.children.length > 3) shown.firstElementChild.remove();
  setTimeout(() => card.remove(), kind === 'error' ? 4000 + 60 * text.length : 3500);
}

// For those who hear the page instead of seeing it.
function announce(text) {
  find('live').textContent = text;
}

function banner(text, action = '', act = null) {
  find('banner').hidden = !text;
  find('banner-text').textContent = text;
  const button = find('banner-act');
  button.hidden = !action;
  button.textContent = action;
  button.onclick = act;
}

// A veil over the page while something long happens that nothing else can happen beside.
function veil(title, fraction, text, cancel) {
  find('veil').hidden = !title;
  if (!title) return;
  find('veil-title').textContent = title;
  find('veil-text').textContent = text;
  find('veil-cancel').hidden = !cancel;
  find('veil-cancel').onclick = cancel;
  setProgress(find('progress', find('veil')), fraction);
}

on(find('theme'), 'click', () => {
  const dark = document.body.classList.toggle('dark');
  try { localStorage.setItem('masklet-theme', dark ? 'dark' : 'light'); } catch { /* storage may be forbidden */ }
  tell('theme');
});
try {
  const chosen = localStorage.getItem('masklet-theme');
  if (chosen && !location.search.includes('__theme')) document.body.classList.toggle('dark', chosen === 'dark');
} catch { /* storage may be forbidden */ }

on(find('help'), 'click', () => find('help-dialog').showModal());
on(find('help-close'), 'click', () => find('help-dialog').close());
on(find('help-dialog'), 'click', event => { if (event.target === find('help-dialog')) event.target.close(); });

find('logo').src = document.querySelector('#mk-sign').href;
