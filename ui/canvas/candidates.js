// A single click may mean a thing, a part of it, or what it is part of: the masks it may mean, as small pictures to pick
// from. They are there until something else is said or looked at.

const strip = find('candidates'), THUMB_WIDE = 96, THUMB_HIGH = 72;   // CSS pixels, as in candidates.css
let offer = null;                // {key, frame, object, color, masks: [{choice, quality, area, place, png}], picked}
let declined = '';               // the key of the last one that was sent away

const readings = Array.from({ length: 3 }, () => {
  const button = make('button', 'mk-reading'), picture = make('canvas');
  Object.assign(button, { type: 'button', title: 'Take this mask (Q)' });
  button.setAttribute('role', 'radio');
  Object.assign(picture, { width: 2 * THUMB_WIDE, height: 2 * THUMB_HIGH });
  button.append(picture, make('span'));
  find('readings').append(button);
  return button;
});

// What is asked about: the one click that the object has on this frame.
function askedAbout(frame, object) {
  const { choice, ...said } = journal.prompt(frame, object);
  return said.points?.length === 1 && Object.keys(said).length === 1 ? `${frame}/${object}/${said.points[0]}` : '';
}

when('server-masks', message => {
  if (message.version !== state.version || !message.object) return;
  const { frame, object } = message, found = message.objects.find(each => each.id === object);
  const key = askedAbout(frame, object), possible = (found?.candidates ?? []).map((mask, choice) => ({ ...mask, choice }));
  const visible = possible.filter(mask => mask.area).sort((a, b) => a.area - b.area);
  if (!key || key === declined || visible.length < 2) return;
  const own = possible.findIndex(mask => mask.area === found.area && mask.quality === found.quality);
  const isNew = offer?.key !== key;
  offer = { key, frame, object, color: '', masks: visible, picked: journal.prompt(frame, object).choice ?? own };
  updateOffer();
  if (isNew && offer) announce(`This click may mean ${visible.length} masks. ${fingersOnly ? 'Pick one below.' : 'Q takes the next one.'}`);
});

function updateOffer() {
  if (offer && (state.frame !== offer.frame || state.active !== offer.object || state.playing
    || askedAbout(offer.frame, offer.object) !== offer.key)) offer = null;
  if (!offer) return closeStrip();
  strip.hidden = false;
  readings.forEach((button, place) => {
    const mask = offer.masks[place], picked = mask?.choice === offer.picked;
    button.hidden = !mask;
    if (!mask) return;
    const fit = `${Math.round(100 * clamp(mask.quality, 0, 1))}%`;
    button.lastChild.textContent = fit;
    button.setAttribute('aria-label', `Mask ${place + 1} of ${offer.masks.length}, fit ${fit}`);
    button.setAttribute('aria-checked', picked);
    button.tabIndex = picked ? 0 : -1;
  });
  placeStrip();
  const color = objects.color(offer.object);
  if (color !== offer.color) drawReadings(Object.assign(offer, { color }));
}

function closeStrip() {
  if (strip.hidden) return;
  if (strip.contains(document.activeElement)) overCanvas.focus({ preventScroll: true });
  strip.hidden = true;
}

function dismissOffer() {
  declined = offer?.key ?? declined;
  offer = null;
  closeStrip();
}

// At the bottom of the stage, or at its top where it would lie over the click.
function placeStrip() {
  if (!offer) return;
  const [x, y] = journal.prompt(offer.frame, offer.object).points[0], room = 2 * MARKER + 12;
  const beside = Math.abs(view.x + x * view.scale - stage.clientWidth / 2) > strip.offsetWidth / 2 + room;
  const above = view.y + y * view.scale < stage.clientHeight - strip.offsetHeight - room;
  strip.classList.toggle('mk-at-top', !beside && !above);
}

function pick(choice) {
  if (!offer || choice === offer.picked) return;
  const { frame, object } = offer, place = offer.masks.findIndex(mask => mask.choice === choice);
  offer.picked = choice;
  prompts.set(frame, object, { ...journal.prompt(frame, object), choice });
  announce(readings[place].getAttribute('aria-label'));
}

function pickNext(step) {
  if (!offer) return;
  const place = offer.masks.findIndex(mask => mask.choice === offer.picked), count = offer.masks.length;
  pick(offer.masks[(place + step + count) % count].choice);
}

// The place of all of the masks together.
function placeOfAll(found) {
  const left = Math.min(...found.map(({ place }) => place[0])), right = Math.max(...found.map(({ place }) => place[0] + place[2]));
  const top = Math.min(...found.map(({ place }) => place[1])), bottom = Math.max(...found.map(({ place }) => place[1] + place[3]));
  return [left, top, right - left, bottom - top];
}

async function drawReadings(shownOffer) {
  const { frame, masks: found, color } = shownOffer, size = frameSize(frame);
  const part = partAround(placeOfAll(found), size, THUMB_WIDE / THUMB_HIGH), outline = 3 * part[2] / (2 * THUMB_WIDE);
  const [bitmap, ...sprites] = await Promise.all([frames.get(frame), ...found.map(mask => drawSprite(mask, color, outline))]);
  if (offer !== shownOffer) return;
  sprites.forEach((sprite, place) => drawPart(readings[place].firstChild, bitmap, sprite, size, part));
}

Object.assign(keys, { q: event => pickNext(event.shiftKey ? -1 : 1) });

readings.forEach((button, place) => on(button, 'click', () => pick(offer.masks[place].choice)));
on(find('candidates-close'), 'click', dismissOffer);
on(find('readings'), 'keydown', event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || !offer) return;
  event.preventDefault();
  pickNext(step);
  readings.find(button => button.getAttribute('aria-checked') === 'true')?.focus();
});
when('journal frame objects tracking medium', updateOffer);
when('view', placeStrip);
when('medium', () => { declined = ''; });
