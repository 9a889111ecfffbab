// Text prompts: the user names things, a detector finds them, and they become objects that are called like it. On one
// frame the thresholds filter what was found without looking again; through a clip the server makes and tracks the objects.

/** @import { DetectedEvent, DetectorData, DetectorsEvent, FoundData } from '../protocol.js' */
/** @import { Thresholds } from '../tools/found_objects.js' */

import { isClip, playedRange } from '../core/media.js';
import { closers } from '../core/menus.js';
import { announce, NO_CONNECTION, showTip } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { sanitizeTraits } from '../core/traits.js';
import { connection } from '../net/connection.js';
import { setProgress, showText } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { withPercent } from '../shared/format.js';
import { commas, number, told, tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { clamp } from '../shared/values.js';
import { namesOf, passing, promptOf, resultText, runText } from '../tools/found_objects.js';
import { prompts } from '../tools/prompts.js';
import { startTracking, stopTracking } from '../tracking/tracking.js';

const DETECTOR = 'masklet-detector';
const FILTER_DELAY = 120; // milliseconds; a slider that is dragged changes objects so often

const panel = find('text-panel');
const openButton = find('text-open');
const input = find('text-input');
const select = find('text-detector');
const everyInput = find('text-every');
const throughClip = find('text-through');
const sliders = { box: find('text-box-slider'), text: find('text-word-slider') };

/** @type {DetectorsEvent | null} */
let available = null;
/** @type {Map<string, Thresholds>} by detector, as far as the user has chosen */
const chosenThresholds = new Map();
/** @type {number | null} the number of the search on one frame that is under way */
let search = null;
/** @type {{ event: DetectedEvent, step: Step | undefined, ids: Map<number, number> } | null} what was found last on one frame, the step that it became, and the numbers of the objects by place */
let last = null;
/** @type {number | null} the run through the clip that this panel began */
let run = null;
let filterTimer = 0;

// --- the panel ---

/** @param {boolean} open */
function setOpen(open) {
  if (open === !panel.hidden) return false;
  panel.hidden = !open;
  openButton.setAttribute('aria-expanded', String(open));
  if (open) {
    connection.send({ t: 'list_detectors' });
    drawPanel();
    input.focus();
    input.select();
  } else if (panel.contains(document.activeElement)) openButton.focus();
  return true;
}

/** @returns {DetectorData | undefined} */
const currentDetector = () => available?.detectors.find(({ name }) => name === select.value) ?? available?.detectors[0];

/** @returns {Thresholds} */
function currentThresholds() {
  const detector = currentDetector();
  const { box, text } = chosenThresholds.get(detector?.name ?? '') ?? {};
  return { box: box ?? detector?.box.default ?? 0.3, text: detector?.text ? (text ?? detector.text.default) : null };
}

/** @param {DetectorsEvent} event */
function detectorsArrived(event) {
  const isFirst = !available;
  available = event;
  const wanted = isFirst ? loadSetting(DETECTOR) : select.value;
  select.replaceChildren(...event.detectors.map(({ name, title }) => new Option(title, name)));
  const isOffered = event.detectors.some(({ name }) => name === wanted);
  // The first one that needs no download is less of a surprise than the first one.
  const ready = event.detectors.find(({ downloaded }) => downloaded) ?? event.detectors[0];
  select.value = (isOffered ? wanted : ready?.name) ?? '';
  drawPanel();
}

function drawPanel() {
  const detector = currentDetector();
  const isBusy = search !== null || (run !== null && state.tracking?.run === run);
  showText(find('text-problem'), available?.problem ?? '');
  find('text-go').disabled = !detector || !!available?.problem;
  find('text-options').hidden = !detector || !!available?.problem;
  select.disabled = (available?.detectors.length ?? 0) < 2;
  showText(find('text-detector-note'), detector ? noteOn(detector) : '');
  find('text-busy').hidden = !isBusy;
  find('text-word-row').hidden = !detector?.text;
  const thresholds = currentThresholds();
  drawSlider('box', thresholds.box, detector?.box.floor ?? 0);
  drawSlider('text', thresholds.text ?? 0, detector?.text?.floor ?? 0);
  everyInput.disabled = !throughClip.checked;
}

/** @param {DetectorData} detector */
function noteOn({ downloaded, loaded, megabytes, licence }) {
  if (loaded || downloaded) return '';
  const facts = commas([megabytes ? tr('{n} MB', { n: megabytes }) : '', told(licence)]);
  return facts ? tr('Is downloaded first ({facts}).', { facts }) : tr('Is downloaded first.');
}

/**
 * @param {'box' | 'text'} name
 * @param {number} value
 * @param {number} floor
 */
function drawSlider(name, value, floor) {
  const slider = sliders[name];
  slider.min = `${floor}`;
  slider.value = `${value}`;
  find(name === 'box' ? 'text-box-value' : 'text-word-value').textContent = number(value, 2);
}

/** @param {string} text */
function showResult(text) {
  showText(find('text-result'), text);
  if (text) announce(text);
}

// --- looking ---

function look() {
  const detector = currentDetector();
  if (!detector) return;
  showResult('');
  last = null;
  if (isClip() && throughClip.checked) lookThroughClip(detector.name);
  else lookOnFrame(detector.name);
}

/** @param {string} detector */
function lookOnFrame(detector) {
  const number = Date.now();
  if (!connection.send({ t: 'detect', run: number, frame: state.frame, text: input.value, detector }))
    return showResult(NO_CONNECTION);
  search = number;
  showBusy(null, tr('Starting…'));
}

/** @param {string} detector */
function lookThroughClip(detector) {
  if (state.tracking) return showResult(tr('Tracking is under way. Stop it first, or wait for its end.'));
  const every = Number(everyInput.value);
  if (!Number.isInteger(every) || every < 1) {
    everyInput.focus();
    return showResult(tr('Give a whole number of frames from 1 on.'));
  }
  const { first, last: end } = playedRange();
  const thresholds = currentThresholds();
  const number = Date.now();
  const tracked = /** @type {TrackingRun} */ ({
    run: number,
    direction: 'both',
    frame: clamp(state.frame, first, end),
    first,
    last: end,
    pause: false,
  });
  const firstObject = Math.max(objects.unused, state.active + 1);
  update({ reservedObjects: firstObject + about.max_objects });
  run = number;
  startTracking(tracked, {
    t: 'detect_clip',
    ...tracked,
    text: input.value,
    detector,
    every,
    first_object: firstObject,
    box_threshold: thresholds.box,
    ...(thresholds.text !== null && { text_threshold: thresholds.text }),
  });
  showBusy(null, tr('Starting…'));
}

/**
 * @param {number | null} fraction
 * @param {string} text
 */
function showBusy(fraction, text) {
  setProgress(find('text-progress'), fraction);
  find('text-busy-text').textContent = withPercent(text, fraction);
  drawPanel();
}

function cancel() {
  if (search === null) return stopTracking();
  connection.send({ t: 'cancel', job: 'detect' });
  searchEnded(tr('Canceled.'));
}

/** @param {string} text */
function searchEnded(text) {
  search = null;
  drawPanel();
  showResult(text);
}

// --- what was found on one frame ---

/** @param {DetectedEvent} event */
function found(event) {
  if (event.version !== state.version) return;
  if (event.run === state.tracking?.run || state.log.hasRun(event.run)) return recordFound(event);
  if (event.run !== search) return;
  if (state.soloObject !== null) update({ soloObject: null }); // what was found is to be seen
  last = { event, step: undefined, ids: new Map() };
  connection.send({ t: 'list_detectors' }); // it is loaded now
  searchEnded(applyThresholds());
}

/** Whether the objects are still the last thing that was done, so that other ones can take their place. */
const mayFilter = () => !!last && (!last.step || state.log.last === last.step);

/** Makes objects of what passes the thresholds, in place of those that did before; returns the result in words. */
function applyThresholds() {
  if (!last) return '';
  const { event, ids, step } = last;
  const thresholds = currentThresholds();
  const passed = passing(event.objects, thresholds).filter(({ known }) => !known);
  const ours = new Set(step?.entries.map(({ object }) => object));
  const others = [...state.log.prompts.keys()].filter(id => !ours.has(id));
  const kept = passed.slice(0, Math.max(0, about.max_objects - others.length));
  const taken = new Set(others.map(id => objects.trait(id).name));
  const entries = entriesOf(
    kept.map(each => ({ ...each, object: ids.get(each.place) ?? 0 })),
    event.frame,
    taken,
  );
  for (const [index, { place }] of kept.entries()) ids.set(place, /** @type {number} */ (entries[index].object));
  if (step) last.step = prompts.replaceStep(entries);
  else if (entries.length) {
    prompts.addStep(entries, tr('Selecting what was found'));
    last.step = state.log.last;
  }
  return resultText(event.phrases, event.objects, thresholds, passed.length - kept.length);
}

/**
 * The entries that make objects: all prompts, then all traits. Those without a number get one.
 * @param {(FoundData & { object?: number })[]} made
 * @param {number} frame
 * @param {Set<string>} taken names of other objects
 * @returns {Entry[]}
 */
function entriesOf(made, frame, taken) {
  let next = Math.max(objects.unused, ...made.map(({ object = 0 }) => object + 1));
  const names = namesOf(
    made.map(({ phrase }) => phrase),
    taken,
  );
  const numbers = made.map(({ object }) => object || next++);
  return [
    ...made.map((each, index) => ({ frame, object: numbers[index], prompt: promptOf(each) })),
    ...made.map(({ phrase }, index) => ({
      traits: numbers[index],
      set: sanitizeTraits({ name: names[index], label: phrase }),
    })),
  ];
}

function filterSoon() {
  clearTimeout(filterTimer);
  filterTimer = window.setTimeout(() => {
    if (mayFilter()) showResult(applyThresholds());
    else if (last) showResult(tr('Something else was done since. Press Find to look again.'));
  }, FILTER_DELAY);
}

// --- through a clip ---

/** @param {DetectedEvent} event the server has made objects of it */
function recordFound({ run: number, frame, objects: made }) {
  const taken = new Set([...state.log.prompts.keys()].map(id => objects.trait(id).name));
  state.log.addToRun(number, entriesOf(made, frame, taken));
  if (made.length && !state.log.prompts.has(state.active)) update({ active: made[0].object });
  emit('log');
}

/** @param {PageEvents['server-done']} event of a run */
function runEnded({ objects: made = [], missing = [], stopped = false, run: ended }) {
  // An answer may have been lost in a reload: what the page does not know must not be there.
  for (const object of made) if (!state.log.prompts.has(object)) connection.request({ t: 'remove_object', object });
  if (ended !== run) return;
  run = null;
  const text = runText(made.length, missing, stopped);
  showResult(text);
  showTip(text);
  drawPanel();
}

export function setUpTextPrompts() {
  find('text-prompts').hidden = !about.text_prompts;
  if (!about.text_prompts) return;
  on('server-detectors', detectorsArrived);
  on('server-detected', found);
  on('server-progress', ({ job, run: number, fraction, message }) => {
    if (job === 'detect' && number === search) showBusy(fraction, message);
    if (job === 'track' && run !== null && number === run) showBusy(fraction, message);
  });
  on('server-done', event => {
    if (event.job === 'track' && event.objects) runEnded(event);
  });
  on('server-error', ({ job, run: number, text }) => {
    if (job === 'detect' && search !== null) searchEnded(text);
    if (job === 'track' && run !== null && number === run) {
      run = null;
      drawPanel();
      showResult(text);
    }
  });
  on('server-hello', ({ last_object = 0 }) => update({ reservedObjects: last_object }));
  on('tracking', () => {
    if (!state.tracking) update({ reservedObjects: 0 });
    drawPanel();
  });
  on('connection', status => {
    if (status === 'gone' && search !== null)
      searchEnded(tr('The server has forgotten this search. Press Find again.'));
  });
  on('medium', () => {
    last = null;
    search = run = null;
    showResult('');
    drawPanel();
  });

  listen(openButton, 'click', () => setOpen(panel.hidden));
  listen(find('text-close'), 'click', () => setOpen(false));
  listen(find('text-form'), 'submit', event => {
    event.preventDefault();
    look();
  });
  listen(find('text-cancel'), 'click', cancel);
  listen(panel, 'keydown', event => {
    if (event.key !== 'Escape') return;
    setOpen(false);
    event.preventDefault();
    event.stopPropagation();
  });
  listen(select, 'change', () => {
    saveSetting(DETECTOR, select.value);
    last = null;
    drawPanel();
  });
  listen(throughClip, 'change', drawPanel);
  for (const slider of Object.values(sliders)) {
    listen(slider, 'input', () => {
      const name = currentDetector()?.name ?? '';
      const value = Number(slider.value);
      const { box, text } = currentThresholds();
      // Words of lower scores than the text threshold count for no box: the slider of boxes takes it along.
      const taken = text === null ? null : Math.min(text, value);
      chosenThresholds.set(name, slider === sliders.box ? { box: value, text: taken } : { box, text: value });
      drawPanel();
      filterSoon();
    });
  }
  closers.push(() => setOpen(false));
  shortcuts['/'] = () => setOpen(true);
}
