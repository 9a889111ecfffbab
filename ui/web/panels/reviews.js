// Reviews that came back from a review page: pins in the viewport, flags on the timeline, a badge on each object, and a list.

import { describeMedium, frameName, isSameMedium } from '../core/media.js';
import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { mergeReview, notesOf, reviewerOf, summarize, VERDICTS, verdictOn } from '../core/reviews.js';
import { setScreen } from '../core/screen.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update, view } from '../core/store.js';
import { icon, make, makeButton, scrollWithin, setIcon } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';
import { MAX_REVIEWS, REVIEW_VERSION, readReview } from '../storage/review_file.js';
import { BadProject, readMedium } from '../storage/validation.js';
import { drawSoon } from '../timeline/drawing.js';
import { isVisible, xOf } from '../timeline/geometry.js';
import { goTo } from '../timeline/navigation.js';
import { pause } from '../timeline/player.js';
import { nextAfter } from '../timeline/quality.js';
import { overlayCanvas, viewport } from '../viewport/viewport.js';
import { showTab } from './side_tabs.js';

const pins = find('pins');
const list = find('review-notes');
/** @type {ReviewNote | null} */
let chosenNote = null; // the one that was jumped to

/** @param {Review[]} reviews */
function setReviews(reviews) {
  update({ reviews });
  chosenNote = null;
  emit('reviews');
}

/** @param {Record<string, unknown>} plain what findReview returns; everything in it is checked */
export function openReview(plain) {
  const otherVersion = tr('This review was made by another version of Masklet. Open it with that version.');
  if (plain.version !== REVIEW_VERSION) return toast(otherVersion);
  try {
    const medium = readMedium(plain.medium);
    const about = { medium: describeMedium(medium) };
    if (!state.medium) return toast(tr('This review is about {medium}. Open that first, then the review.', about));
    if (!isSameMedium(medium, state.medium))
      return toast(tr('This review is about {medium}, not about what is open. Open that first.', about));
    addReview(readReview(plain, state.medium));
  } catch (error) {
    if (!(error instanceof BadProject)) throw error;
    toast(tr('This review is damaged: it cannot be read.'));
  }
}

/** @param {Review} review */
function addReview(review) {
  const merged = mergeReview(state.reviews, review);
  if (merged.length > MAX_REVIEWS)
    return toast(tr('{n} reviews are the limit. Dismiss them first.', { n: MAX_REVIEWS }));
  setScreen('work');
  setReviews(merged);
  showTab('review');
  toast(tr('{name}: {summary}.', { name: review.reviewer || tr('The reviewer'), summary: summarize(review) }), 'hint');
}

/**
 * The badge of an object's row.
 * @param {HTMLElement} row
 * @param {ReturnType<typeof verdictOn>} verdict
 */
export function showVerdict(row, { verdict, text }) {
  const badge = find('verdict', row);
  badge.hidden = !verdict;
  if (!verdict) return;
  badge.dataset.verdict = verdict;
  badge.title = text;
  badge.setAttribute('aria-label', text);
  setIcon(badge, iconOf(verdict));
}

/** @param {string} verdict */
const iconOf = verdict => (verdict === 'approved' ? 'check' : 'pen');
const allNotes = () => notesOf(state.reviews);

/** @param {ReviewNote} note */
function jumpToNote(note) {
  pause();
  chosenNote = note;
  if (note.object && state.log.prompts.has(note.object) && note.object !== state.active) objects.select(note.object);
  goTo(note.frame);
  viewport.scrollIntoView({ block: 'nearest' });
  announce(tr('Note {n}: {text}', { n: allNotes().indexOf(note) + 1, text: note.text }));
  emit('reviews');
}

/**
 * Goes through the notes that are not done yet, or through all where all are done.
 * @param {1 | -1} step
 */
function nextNote(step) {
  const all = allNotes();
  const open = all.filter(note => !note.done);
  const candidates = open.length ? open : all;
  if (!candidates.length) return toast(tr('There is no review here. Drop the file that a reviewer sent back.'), 'hint');
  const current = chosenNote ? all.indexOf(chosenNote) : -1;
  const before = all.findLastIndex(note => note.frame < state.frame);
  const place = current >= 0 ? current : before + (step < 0 ? 1 : 0);
  const places = candidates.map(note => all.indexOf(note));
  jumpToNote(all[nextAfter(places, place, step)]);
}

// --- in the viewport and on the timeline ---

/** @param {ReviewNote} note */
const positionOf = note => [view.x + note.x * view.scale, view.y + note.y * view.scale];

function updatePins() {
  if (!state.medium) return;
  const shown = [...allNotes().entries()].filter(
    ([, note]) => note.frame === state.frame && (!note.done || note === chosenNote),
  );
  pins.replaceChildren(...shown.map(([place, note]) => pinOf(note, place + 1)));
  for (const [, note] of shown) if (note === chosenNote) pins.append(bubbleOf(note));
}

/**
 * @param {ReviewNote} note
 * @param {number} number
 */
function pinOf(note, number) {
  const pin = makeButton('mk-review-note-pin', `${number}`, () => jumpToNote(note));
  const [x, y] = positionOf(note);
  pin.title = note.text;
  pin.setAttribute('aria-label', tr('Note {n}: {text}', { n: number, text: note.text }));
  pin.classList.toggle('mk-chosen', note === chosenNote);
  pin.style.transform = `translate(${x}px, ${y}px)`;
  return pin;
}

/**
 * The text of the chosen note, on the side of its pin that has more room.
 * @param {ReviewNote} note
 */
function bubbleOf(note) {
  const bubble = make('p', 'mk-review-note-bubble', note.text);
  const [x, y] = positionOf(note);
  bubble.setAttribute('aria-hidden', 'true'); // the pin has the same label
  bubble.classList.toggle('mk-to-left', x > viewport.clientWidth / 2);
  bubble.style.left = `${x}px`;
  bubble.style.top = `${y}px`;
  return bubble;
}

const updateFlags = drawSoon(() => {
  const shown = allNotes().filter(({ frame, done }) => !done && isVisible(frame));
  find('flags').replaceChildren(
    ...shown.map(note => {
      const flag = make('i', 'mk-flag');
      flag.style.transform = `translateX(${xOf(note.frame)}px)`;
      return flag;
    }),
  );
});

// --- the list ---

/**
 * @param {HTMLElement} mark
 * @param {string} text
 * @param {string[]} facts
 * @param {() => void} act
 */
function noteButton(mark, text, facts, act) {
  const button = makeButton('mk-review-note-go', '', act);
  const line = make('span', 'mk-review-note-facts', facts.filter(Boolean).join(' · '));
  button.append(mark, make('span', 'mk-review-note-text', text), line);
  return button;
}

/**
 * @param {ReviewNote} note
 * @param {number} number
 * @param {string} reviewer
 */
function noteItem(note, number, reviewer) {
  const item = make('li', 'mk-review-note');
  const name = note.object ? objects.trait(note.object).name : '';
  const mark = make('b', 'mk-review-note-number', number);
  const button = noteButton(mark, note.text, [name, frameName(note.frame), reviewer], () => jumpToNote(note));
  if (note === chosenNote) button.setAttribute('aria-current', 'true');
  const box = make('input', 'mk-review-note-done');
  Object.assign(box, { type: 'checkbox', checked: note.done, title: tr('Done') });
  box.setAttribute('aria-label', tr('Note {n} is done', { n: number }));
  box.onchange = () => {
    note.done = box.checked;
    emit('reviews');
  };
  item.classList.toggle('mk-chosen', note === chosenNote);
  item.classList.toggle('mk-is-done', note.done);
  item.append(button, box);
  return item;
}

/**
 * A comment on an object as a whole.
 * @param {number} id
 * @param {Review['verdicts'][number]} comment
 * @param {string} reviewer
 */
function commentItem(id, { verdict, comment }, reviewer) {
  const item = make('li', 'mk-review-note');
  const mark = make('span', 'mk-verdict');
  mark.dataset.verdict = verdict;
  mark.append(icon(iconOf(verdict)));
  const select = () => {
    if (state.log.prompts.has(id)) objects.select(id);
  };
  item.append(noteButton(mark, comment, [objects.trait(id).name, VERDICTS[verdict], reviewer], select));
  return item;
}

const controls = () => [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('button, input'))];

function updatePanel() {
  if (!state.medium) return;
  const { reviews } = state;
  const all = allNotes();
  const focused = controls().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  find('reviewing').hidden = !reviews.length;
  find('reviewing-count').textContent = all.length ? tr('{n} open', { n: all.filter(note => !note.done).length }) : '';
  find('review-note-previous').disabled = find('review-note-next').disabled = !all.length;
  find('reviewers').textContent = reviews.map(each => `${reviewerOf(each)}: ${summarize(each)}`).join('; ');
  const nameOf = (/** @type {Review | undefined} */ review) => (review && reviews.length > 1 ? reviewerOf(review) : '');
  const comments = reviews.flatMap(review =>
    Object.entries(review.verdicts)
      .filter(([, { comment }]) => comment)
      .map(([id, comment]) => commentItem(Number(id), comment, nameOf(review))),
  );
  const notes = all.map((note, place) =>
    noteItem(note, place + 1, nameOf(reviews.find(each => each.notes.includes(note)))),
  );
  list.replaceChildren(...comments, ...notes);
  controls()[focused]?.focus({ preventScroll: true });
  const chosen = list.querySelector('.mk-chosen');
  if (chosen) scrollWithin(list, chosen);
}

const updatePanelSoon = oncePerFrame(updatePanel);

export function setUpReviews() {
  // The wheel zooms over a pin as it does beside it.
  listen(
    pins,
    'wheel',
    event => {
      if (!overlayCanvas.dispatchEvent(new WheelEvent(event.type, event))) event.preventDefault();
    },
    { passive: false },
  );
  shortcuts.j = event => nextNote(event.shiftKey ? -1 : 1);
  listen(find('review-note-previous'), 'click', () => nextNote(-1));
  listen(find('review-note-next'), 'click', () => nextNote(1));
  listen(find('reviewing-close'), 'click', () => {
    announce(tr('The review is dismissed'));
    setReviews([]);
  });
  on('frame', () => {
    if (chosenNote && chosenNote.frame !== state.frame) {
      chosenNote = null;
      updatePanelSoon();
    }
  });
  on('medium reviews objects log', updatePanelSoon);
  on('medium reviews frame view', updatePins);
  on('medium reviews timeline', updateFlags);
}
