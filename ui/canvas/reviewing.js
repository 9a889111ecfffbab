// Reviews: what somebody said on a review page about what is open, as pins on the stage, flags on the timeline, a badge on
// each object, and a list. A file comes from anywhere: everything in it is looked at before anything else sees it.

const REVIEW_FORMAT = 'masklet-review', REVIEW_VERSION = 1;
const LARGEST_REVIEW = 5e6;      // bytes
const MOST_REVIEWS = 20, MOST_REMARKS = 500, REMARK_LENGTH = 2000;
const VERDICTS = { approved: 'approved', needs_work: 'needs work' };

let reviews = [];                // {review, reviewer, verdicts: {object: {verdict, comment}}, notes: [{frame, x, y, text,
                                 // object or undefined, at, done}]}, a review and reviewer once
let remark = null;               // the note that was jumped to

// --- reading ---

const isShort = (value, most) => typeof value === 'string' && value.length <= most;

// The file as plain data if it is a review, else null.
async function reviewIn(file) {
  if (file.size > LARGEST_REVIEW) return null;
  try {
    const plain = JSON.parse(await file.text());
    return plain?.format === REVIEW_FORMAT ? plain : null;
  } catch { return null; }
}

function readReview(plain, medium) {
  check(isPlain(plain) && isShort(plain.review, 64) && isShort(plain.reviewer, NAME_LENGTH));
  check(isPlain(plain.verdicts) && Object.keys(plain.verdicts).length <= about.max_objects);
  check(Array.isArray(plain.notes) && plain.notes.length <= MOST_REMARKS);
  const verdicts = Object.entries(plain.verdicts).map(([id, said]) => {
    check(isObjectId(Number(id)) && isPlain(said) && isShort(said.comment, REMARK_LENGTH));
    check(said.verdict === '' || Object.hasOwn(VERDICTS, said.verdict));
    return [Number(id), { verdict: said.verdict, comment: said.comment.trim() }];
  });
  const notes = plain.notes.map(note => readRemark(note, medium)).sort((one, other) => one.frame - other.frame);
  return { review: plain.review, reviewer: oneLine(plain.reviewer), verdicts: Object.fromEntries(verdicts), notes };
}

function readRemark(plain, medium) {
  check(isPlain(plain) && isWhole(plain.frame, 0, medium.frames - 1) && areNumbers([plain.x, plain.y], 2));
  const { frame, x, y, text, object, at, done = false } = plain, [height, width] = sizeOn(frame, medium);
  check(x >= 0 && x <= width && y >= 0 && y <= height && isShort(text, REMARK_LENGTH) && text.trim() && isShort(at, 40));
  check((object === undefined || isObjectId(object)) && typeof done === 'boolean');
  return { frame, x, y, text: text.trim(), object, at, done };
}

function readReviews(plain, medium) {
  check(Array.isArray(plain) && plain.length <= MOST_REVIEWS);
  return plain.map(each => readReview(each, medium));
}

function openReview(plain) {
  const other = 'This review was made by another version of Masklet. Open it with that version.';
  if (plain.version !== REVIEW_VERSION) return toast(other);
  try {
    const medium = readMedium(plain.medium), where = describeMedium(medium);
    if (!state.medium) return toast(`This review is about ${where}. Open that first, then the review.`);
    if (!agrees(medium, state.medium)) return toast(`This review is about ${where}, not about what is open. Open that first.`);
    takeIn(readReview(plain, state.medium));
  } catch (error) {
    if (!(error instanceof BadProject)) throw error;
    toast('This review is damaged: it cannot be read.');
  }
}

// The same reviewer's earlier words on the same page are replaced; what was done stays done.
function takeIn(news) {
  const isSame = ({ review, reviewer }) => review === news.review && reviewer === news.reviewer;
  const earlier = reviews.find(isSame), others = reviews.filter(each => each !== earlier);
  if (others.length >= MOST_REVIEWS) return toast(`${MOST_REVIEWS} reviews are the limit. Dismiss them first.`);
  const wasDone = ({ frame, x, y, text }) => earlier?.notes.some(note => note.done
    && note.frame === frame && note.x === x && note.y === y && note.text === text) ?? false;
  for (const note of news.notes) note.done ||= wasDone(note);
  reviews = [...others, news];
  remark = null;
  setScreen('work');
  tell('review');
  toast(`${news.reviewer || 'The reviewer'}: ${countedWords(news)}.`, 'hint');
}

function countedWords({ verdicts, notes }) {
  const given = Object.values(verdicts), count = verdict => given.filter(each => each.verdict === verdict).length;
  const words = [[count('approved'), 'approved'], [count('needs_work'), count('needs_work') === 1 ? 'needs work' : 'need work']];
  const said = words.filter(([number]) => number).map(([number, word]) => `${number} ${word}`);
  return [...said, counted(notes.length, 'note')].join(', ');
}

// --- what is said of an object, and where ---

// {verdict, words} of all reviewers: one who is not content counts more.
function verdictOn(id) {
  const said = reviews.map(({ reviewer, verdicts }) => ({ reviewer, ...verdicts[id] })).filter(({ verdict }) => verdict);
  const verdict = said.find(each => each.verdict === 'needs_work')?.verdict ?? said[0]?.verdict ?? '';
  const words = said.map(({ reviewer, verdict: one, comment }) => {
    const start = `${reviewer || 'Reviewer'}: ${VERDICTS[one]}`;
    return comment ? `${start}. ${comment}` : start;
  });
  return { verdict, words: words.join('\n') };
}

function showVerdict(row, { verdict, words }) {
  const badge = find('verdict', row);
  badge.hidden = !verdict;
  if (!verdict) return;
  badge.dataset.verdict = verdict;
  badge.title = words;
  badge.setAttribute('aria-label', words);
  setIcon(badge, verdict === 'approved' ? 'check' : 'pen');
}

const remarks = () => reviews.flatMap(({ notes }) => notes).sort((one, other) => one.frame - other.frame);

function jumpToRemark(note) {
  pause();
  remark = note;
  if (journal.said.has(note.object) && note.object !== state.active) objects.select(note.object);
  goTo(note.frame);
  stage.scrollIntoView({ block: 'nearest' });
  announce(`Note ${remarks().indexOf(note) + 1}: ${note.text}`);
  tell('review');
}

// Over the notes that are still to be done; over all where none is.
function nextRemark(step) {
  const all = remarks(), open = all.filter(note => !note.done), marked = open.length ? open : all;
  if (!marked.length) return toast('There is no review here. Drop the file that a reviewer sent back.', 'hint');
  const now = all.indexOf(remark), at = now >= 0 ? now : all.findLastIndex(note => note.frame < state.frame) + (step < 0 ? 1 : 0);
  const places = marked.map(note => all.indexOf(note));
  jumpToRemark(all[nextOf(places, at, step)]);
}

// --- on the stage and on the timeline ---

const remarkPins = find('pins'), remarkFlags = find('flags');

function updateRemarkPins() {
  if (!state.medium) return;
  const all = remarks(), here = all.filter(note => note.frame === state.frame && (!note.done || note === remark));
  remarkPins.replaceChildren(...here.map(note => {
    const pin = make('button', 'mk-remark-pin', all.indexOf(note) + 1);
    Object.assign(pin, { type: 'button', title: note.text, onclick: () => jumpToRemark(note) });
    pin.setAttribute('aria-label', `Note ${all.indexOf(note) + 1}: ${note.text}`);
    pin.classList.toggle('mk-chosen', note === remark);
    pin.style.transform = `translate(${view.x + note.x * view.scale}px, ${view.y + note.y * view.scale}px)`;
    return pin;
  }));
  if (here.includes(remark)) remarkPins.append(bubbleOf(remark));
}

// The chosen note's words beside its pin, on the side that has more room.
function bubbleOf(note) {
  const bubble = make('p', 'mk-remark-bubble', note.text), x = view.x + note.x * view.scale;
  bubble.setAttribute('aria-hidden', 'true');                  // the pin says the same
  bubble.classList.toggle('mk-to-left', x > stage.clientWidth / 2);
  bubble.style.left = `${x}px`;
  bubble.style.top = `${view.y + note.y * view.scale}px`;
  return bubble;
}

const updateRemarkFlags = onceARefresh(() => {
  remarkFlags.replaceChildren(...remarks().filter(({ frame, done }) => !done && isInSight(frame)).map(note => {
    const flag = make('i', 'mk-flag');
    flag.style.transform = `translateX(${xOf(note.frame)}px)`;
    return flag;
  }));
});

// --- the list ---

const factLine = words => make('span', 'mk-remark-facts', words.filter(Boolean).join(' · '));
const whereIs = ({ frame }) => (isClip() ? `frame ${frame + 1}` : isAlbum() ? state.medium.names[frame] : '');

function remarkItem(note, number, reviewer) {
  const item = make('li', 'mk-remark'), go = make('button', 'mk-remark-go'), tick = make('input', 'mk-remark-done');
  const object = note.object && objects.trait(note.object).name;
  item.classList.toggle('mk-chosen', note === remark);
  item.classList.toggle('mk-is-done', note.done);
  Object.assign(tick, { type: 'checkbox', checked: note.done, title: 'Done' });
  tick.setAttribute('aria-label', `Note ${number} is done`);
  tick.onchange = () => { note.done = tick.checked; tell('review'); };
  go.type = 'button';
  if (note === remark) go.setAttribute('aria-current', 'true');
  const words = make('span', 'mk-remark-text', note.text);
  go.append(make('b', 'mk-remark-number', number), words, factLine([object, whereIs(note), reviewer]));
  go.onclick = () => jumpToRemark(note);
  item.append(go, tick);
  return item;
}

// A comment on an object as a whole.
function commentItem(id, { verdict, comment }, reviewer) {
  const item = make('li', 'mk-remark'), go = make('button', 'mk-remark-go'), sign = make('span', 'mk-verdict');
  go.type = 'button';
  sign.dataset.verdict = verdict;
  sign.append(icon(verdict === 'approved' ? 'check' : 'pen'));
  go.append(sign, make('span', 'mk-remark-text', comment), factLine([objects.trait(id).name, VERDICTS[verdict], reviewer]));
  go.onclick = () => { if (journal.said.has(id)) objects.select(id); };
  item.append(go);
  return item;
}

function updateReviewing() {
  if (!state.medium) return;
  const card = find('reviewing'), list = find('remarks'), all = remarks(), open = all.filter(note => !note.done).length;
  const focused = [...list.querySelectorAll('button, input')].indexOf(document.activeElement);
  card.hidden = !reviews.length;
  find('reviewing-count').textContent = all.length ? `${open} open` : '';
  for (const name of ['remark-previous', 'remark-next']) find(name).disabled = !all.length;
  find('reviewers').textContent = reviews.map(each => `${each.reviewer || 'Reviewer'}: ${countedWords(each)}`).join('; ');
  const several = reviews.length > 1, nameOf = each => (several ? each.reviewer || 'Reviewer' : '');
  const comments = reviews.flatMap(each => Object.entries(each.verdicts).filter(([, { comment }]) => comment)
    .map(([id, said]) => commentItem(Number(id), said, nameOf(each))));
  const notes = all.map((note, place) => remarkItem(note, place + 1, nameOf(reviews.find(each => each.notes.includes(note)))));
  list.replaceChildren(...comments, ...notes);
  list.querySelectorAll('button, input')[focused]?.focus({ preventScroll: true });
  revealRemark(list);
}

// Scrolls the list, never the page: on a phone the stage stays in sight.
function revealRemark(list) {
  const item = list.querySelector('.mk-chosen')?.getBoundingClientRect(), { top, bottom } = list.getBoundingClientRect();
  if (item) list.scrollTop += Math.min(0, item.top - top) + Math.max(0, item.bottom - bottom);
}

let reviewingWaiting = false;
function updateReviewingSoon() {
  if (reviewingWaiting) return;
  reviewingWaiting = true;
  requestAnimationFrame(() => { reviewingWaiting = false; updateReviewing(); });
}

// A pin is no hole in the stage: the wheel zooms there as beside it.
on(remarkPins, 'wheel', event => {
  if (!overCanvas.dispatchEvent(new WheelEvent(event.type, event))) event.preventDefault();
}, { passive: false });
keys.j = event => nextRemark(event.shiftKey ? -1 : 1);
on(find('remark-previous'), 'click', () => nextRemark(-1));
on(find('remark-next'), 'click', () => nextRemark(1));
on(find('reviewing-close'), 'click', () => {
  reviews = [];
  remark = null;
  announce('The review is dismissed');
  tell('review');
});
when('frame', () => { if (remark && remark.frame !== state.frame) { remark = null; updateReviewingSoon(); } });
when('medium review objects journal', updateReviewingSoon);
when('medium review frame view', updateRemarkPins);
when('medium review rail', updateRemarkFlags);
