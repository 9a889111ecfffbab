// What the review page holds, what is shown, and what modules share. Words of users get into the page by textContent only.

/**
 * The element of class <name>.
 * @template {string} Name
 * @param {Name} name
 * @param {ParentNode} [within]
 */
export const find = (name, within = document) =>
  /** @type {Name extends keyof ReviewElements ? ReviewElements[Name] : HTMLElement} */ (
    within.querySelector(`.${name}`)
  );

/**
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** @param {string} selector of a script element */
export const embedded = selector => JSON.parse(document.querySelector(selector)?.textContent ?? 'null');

export const about = /** @type {ReviewData} */ (embedded('#about'));
export const { medium, times } = about;
export const shots = about.frames;
export const isClip = medium.kind === 'clip';
export const isAlbum = medium.kind === 'album';

/** @type {ReviewState} */
export const state = {
  place: 0,
  playing: false,
  effect: 'overlay',
  strength: { overlay: 50, outline: 100, spotlight: 70, cutout: 100, off: 0 },
  hidden: new Set(),
  shown: null,
  chosen: null,
  draft: null,
  sent: true,
};

/** @param {Partial<ReviewState>} changes */
export function update(changes) {
  Object.assign(state, changes);
}

/**
 * @template {Event} [E=Event]
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: E) => void} listener
 * @param {AddEventListenerOptions} [options]
 */
export const listen = (target, type, listener, options) =>
  target.addEventListener(type, /** @type {EventListener} */ (listener), options);
export const frameHere = () => shots[state.place];
/** @param {number} frame */
export const sizeOf = frame => {
  const [height, width] = medium.sizes?.[frame] ?? [medium.height, medium.width];
  return { width, height };
};
/** @param {number} [id] */
export const objectOf = id => about.objects.find(each => each.id === id);
/**
 * What is known of an object's mask, if anything.
 * @param {number} id
 * @param {number} place
 * @returns {MaskFacts | undefined}
 */
export const factsOf = (id, place) => {
  const facts = about.found[id]?.[place];
  if (!facts) return undefined;
  const [predicted_iou, area, rating, kind, score = 0] = facts;
  return { predicted_iou, area, rating: rating ?? undefined, warnings: kind ? [{ kind, score }] : [] };
};

/**
 * For screen readers.
 * @param {string} text
 */
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
