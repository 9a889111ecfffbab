// Reviews: what somebody said on a review page about what is open, as pins on the stage, flags on the timeline, a badge on
// each object, and a list. A file comes from anywhere: everything in it is looked at before anything else sees it.

import { describeMedium, isAlbum, isClip, isSameMedium } from '../core/media.js';
import { announce, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { find, listen } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update, view } from '../core/store.js';
import { icon, make, setIcon } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { counted } from '../shared/format.js';
import { oncePerFrame } from '../shared/refresh.js';
import { MAX_REVIEWS, REVIEW_VERSION, readReview, VERDICTS } from '../storage/review_file.js';
import { BadProject, readMedium } from '../storage/validation.js';
import { drawSoon } from '../timeline/drawing.js';
import { isVisible, xOf } from '../timeline/geometry.js';
import { goTo } from '../timeline/navigation.js';
import { pause } from '../timeline/player.js';
import { nextAfter } from '../timeline/quality.js';
import { overlayCanvas, viewport } from '../viewport/viewport.js';

let chosenNote = null; // the note that was jumped to

export function openReview(plain) {
  const other = 'This review was made by another version of Masklet. Open it with that version.';
  if (plain.version !== REVIEW_VERSION) return toast(other);
  try {
    const medium = readMedium(plain.medium);
    const where = describeMedium(medium);
    if (!state.medium) return toast(`This review is about ${where}. Open that first, then the review.`);
    if (!isSameMedium(medium, state.medium))
      return toast(`This review is about ${where}, not about what is open. Open that first.`);
    addReview(readReview(plain, state.medium));
  } catch (error) {
    if (!(error instanceof BadProject)) throw error;
    toast('This review is damaged: it cannot be read.');
  }
}

// The same reviewer's earlier words on the same page are replaced; what was done stays done.
function addReview(news) {
  const isSame = ({ review, reviewer }) => review === news.review && reviewer === news.reviewer;
  const earlier = state.reviews.find(isSame);
  const others = state.reviews.filter(each => each !== earlier);
  if (others.length >= MAX_REVIEWS) return toast(`${MAX_REVIEWS} reviews are the limit. Dismiss them first.`);
  const wasDone = ({ frame, x, y, text }) =>
    earlier?.notes.some(
      note => note.done && note.frame === frame && note.x === x && note.y === y && note.text === text,
    ) ?? false;
  for (const note of news.notes) note.done ||= wasDone(note);
  update({ reviews: [...others, news] });
  chosenNote = null;
  setScreen('work');
  emit('reviews');
  toast(`${news.reviewer || 'The reviewer'}: ${summarize(news)}.`, 'hint');
}

function summarize({ verdicts, notes }) {
  const given = Object.values(verdicts);
  const count = verdict => given.filter(each => each.verdict === verdict).length;
  const words = [
    [count('approved'), 'approved'],
    [count('needs_work'), count('needs_work') === 1 ? 'needs work' : 'need work'],
  ];
  const said = words.filter(([number]) => number).map(([number, word]) => `${number} ${word}`);
  return [...said, counted(notes.length, 'note')].join(', ');
}

// --- what is said of an object, and where ---

// {verdict, words} of all reviewers: one who is not content counts more.
export function verdictOn(id) {
  const said = state.reviews
    .map(({ reviewer, verdicts }) => ({ reviewer, ...verdicts[id] }))
    .filter(({ verdict }) => verdict);
  const verdict = said.find(each => each.verdict === 'needs_work')?.verdict ?? said[0]?.verdict ?? '';
  const words = said.map(({ reviewer, verdict: one, comment }) => {
    const start = `${reviewer || 'Reviewer'}: ${VERDICTS[one]}`;
    return comment ? `${start}. ${comment}` : start;
  });
  return { verdict, words: words.join('\n') };
}

export function showVerdict(row, { verdict, words }) {
  const badge = find('verdict', row);
  badge.hidden = !verdict;
  if (!verdict) return;
  badge.dataset.verdict = verdict;
  badge.title = words;
  badge.setAttribute('aria-label', words);
  setIcon(badge, verdict === 'approved' ? 'check' : 'pen');
}

const allNotes = () => state.reviews.flatMap(({ notes }) => notes).sort((one, other) => one.frame - other.frame);

function jumpToNote(note) {
  pause();
  chosenNote = note;
  if (state.log.prompts.has(note.object) && note.object !== state.active) objects.select(note.object);
  goTo(note.frame);
  viewport.scrollIntoView({ block: 'nearest' });
  announce(`Note ${allNotes().indexOf(note) + 1}: ${note.text}`);
  emit('reviews');
}

// Over the notes that are still to be done; over all where none is.
function nextNote(step) {
  const all = allNotes();
  const open = all.filter(note => !note.done);
  const marked = open.length ? open : all;
  if (!marked.length) return toast('There is no review here. Drop the file that a reviewer sent back.', 'hint');
  const now = all.indexOf(chosenNote);
  const at = now >= 0 ? now : all.findLastIndex(note => note.frame < state.frame) + (step < 0 ? 1 : 0);
  const places = marked.map(note => all.indexOf(note));
  jumpToNote(all[nextAfter(places, at, step)]);
}

// --- on the stage and on the timeline ---

const pins = find('pins');
const flags = find('flags');

function updatePins() {
  if (!state.medium) return;
  const all = allNotes();
  const here = all.filter(note => note.frame === state.frame && (!note.done || note === chosenNote));
  pins.replaceChildren(
    ...here.map(note => {
      const pin = make('button', 'mk-review-note-pin', all.indexOf(note) + 1);
      Object.assign(pin, { type: 'button', title: note.text, onclick: () => jumpToNote(note) });
      pin.setAttribute('aria-label', `Note ${all.indexOf(note) + 1}: ${note.text}`);
      pin.classList.toggle('mk-chosen', note === chosenNote);
      pin.style.transform = `translate(${view.x + note.x * view.scale}px, ${view.y + note.y * view.scale}px)`;
      return pin;
    }),
  );
  if (here.includes(chosenNote)) pins.append(bubbleOf(chosenNote));
}

// The chosen note's words beside its pin, on the side that has more room.
function bubbleOf(note) {
  const bubble = make('p', 'mk-review-note-bubble', note.text);
  const x = view.x + note.x * view.scale;
  bubble.setAttribute('aria-hidden', 'true'); // the pin says the same
  bubble.classList.toggle('mk-to-left', x > viewport.clientWidth / 2);
  bubble.style.left = `${x}px`;
  bubble.style.top = `${view.y + note.y * view.scale}px`;
  return bubble;
}

const updateFlags = drawSoon(() => {
  flags.replaceChildren(
    ...allNotes()
      .filter(({ frame, done }) => !done && isVisible(frame))
      .map(note => {
        const flag = make('i', 'mk-flag');
        flag.style.transform = `translateX(${xOf(note.frame)}px)`;
        return flag;
      }),
  );
});

// --- the list ---

const factLine = words => make('span', 'mk-review-note-facts', words.filter(Boolean).join(' · '));
const whereIs = ({ frame }) => (isClip() ? `frame ${frame + 1}` : isAlbum() ? state.medium.names[frame] : '');

function noteItem(note, number, reviewer) {
  const item = make('li', 'mk-review-note');
  const go = make('button', 'mk-review-note-go');
  const tick = make('input', 'mk-review-note-done');
  const object = note.object && objects.trait(note.object).name;
  item.classList.toggle('mk-chosen', note === chosenNote);
  item.classList.toggle('mk-is-done', note.done);
  Object.assign(tick, { type: 'checkbox', checked: note.done, title: 'Done' });
  tick.setAttribute('aria-label', `Note ${number} is done`);
  tick.onchange = () => {
    note.done = tick.checked;
    emit('reviews');
  };
  go.type = 'button';
  if (note === chosenNote) go.setAttribute('aria-current', 'true');
  const words = make('span', 'mk-review-note-text', note.text);
  go.append(make('b', 'mk-review-note-number', number), words, factLine([object, whereIs(note), reviewer]));
  go.onclick = () => jumpToNote(note);
  item.append(go, tick);
  return item;
}

// A comment on an object as a whole.
function commentItem(id, { verdict, comment }, reviewer) {
  const item = make('li', 'mk-review-note');
  const go = make('button', 'mk-review-note-go');
  const sign = make('span', 'mk-verdict');
  go.type = 'button';
  sign.dataset.verdict = verdict;
  sign.append(icon(verdict === 'approved' ? 'check' : 'pen'));
  go.append(
    sign,
    make('span', 'mk-review-note-text', comment),
    factLine([objects.trait(id).name, VERDICTS[verdict], reviewer]),
  );
  go.onclick = () => {
    if (state.log.prompts.has(id)) objects.select(id);
  };
  item.append(go);
  return item;
}

function updateReviewing() {
  if (!state.medium) return;
  const card = find('reviewing');
  const list = find('review-notes');
  const all = allNotes();
  const open = all.filter(note => !note.done).length;
  const focused = [...list.querySelectorAll('button, input')].indexOf(document.activeElement);
  card.hidden = !state.reviews.length;
  find('reviewing-count').textContent = all.length ? `${open} open` : '';
  for (const name of ['review-note-previous', 'review-note-next']) find(name).disabled = !all.length;
  find('reviewers').textContent = state.reviews
    .map(each => `${each.reviewer || 'Reviewer'}: ${summarize(each)}`)
    .join('; ');
  const several = state.reviews.length > 1;
  const nameOf = each => (several ? each.reviewer || 'Reviewer' : '');
  const comments = state.reviews.flatMap(each =>
    Object.entries(each.verdicts)
      .filter(([, { comment }]) => comment)
      .map(([id, said]) => commentItem(Number(id), said, nameOf(each))),
  );
  const notes = all.map((note, place) =>
    noteItem(note, place + 1, nameOf(state.reviews.find(each => each.notes.includes(note)))),
  );
  list.replaceChildren(...comments, ...notes);
  list.querySelectorAll('button, input')[focused]?.focus({ preventScroll: true });
  revealNote(list);
}

// Scrolls the list, never the page: on a phone the stage stays in sight.
function revealNote(list) {
  const item = list.querySelector('.mk-chosen')?.getBoundingClientRect();
  const { top, bottom } = list.getBoundingClientRect();
  if (item) list.scrollTop += Math.min(0, item.top - top) + Math.max(0, item.bottom - bottom);
}

const updateReviewingSoon = oncePerFrame(updateReviewing);

export function setUpReviews() {
  // A pin is no hole in the stage: the wheel zooms there as beside it.
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
    update({ reviews: [] });
    chosenNote = null;
    announce('The review is dismissed');
    emit('reviews');
  });
  on('frame', () => {
    if (chosenNote && chosenNote.frame !== state.frame) {
      chosenNote = null;
      updateReviewingSoon();
    }
  });
  on('medium reviews objects log', updateReviewingSoon);
  on('medium reviews frame view', updatePins);
  on('medium reviews timeline', updateFlags);
}
