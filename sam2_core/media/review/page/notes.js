// Notes: what the reviewer says about a place of a frame. They are numbered as they come in the clip.

import { emit } from '../../../../ui/web/shared/events.js';
import { announce, isAlbum, isClip, medium, objectOf, state, update } from './page.js';
import { review } from './saved.js';

const PLAIN_PIN = '#4f46e5';

/**
 * @param {PinnedNote} one
 * @param {PinnedNote} other
 */
const byPlace = (one, other) => one.frame - other.frame || (one.at < other.at ? -1 : 1);
/** @param {PinnedNote} note */
export const numberOf = note => review.notes.indexOf(note) + 1;

/**
 * The color of its object, dark enough for white letters.
 * @param {PinnedNote} note
 */
export function pinColor({ object }) {
  const color = objectOf(object)?.color;
  if (!color) return PLAIN_PIN;
  const parts = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255);
  /** @param {number} part */
  const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  /** @param {number} shade */
  const shine = shade => {
    const [red, green, blue] = parts.map(part => linear(part * shade));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let shade = 1;
  while (shine(shade) > 0.18) shade -= 0.03;
  return `rgb(${parts.map(part => Math.round(255 * part * shade)).join()})`;
}

/** @param {PinnedNote} note */
export const whereOf = ({ frame }) => (isClip ? `frame ${frame + 1}` : isAlbum ? (medium.names?.[frame] ?? '') : '');

/** @param {PinnedNote} note */
export function addNote(note) {
  review.notes.push(note);
  review.notes.sort(byPlace);
  update({ chosen: note });
  emit('notes');
}

/** @param {PinnedNote} note */
export function removeNote(note) {
  review.notes = review.notes.filter(other => other !== note);
  if (state.chosen === note) update({ chosen: null });
  announce('The note is deleted');
  emit('notes');
}
