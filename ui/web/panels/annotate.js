// The panel for annotating photos in the stages of the data engine, with what each has given and taken.

import { AutomaticStage } from '../annotate/automatic_stage.js';
import { countStages } from '../annotate/statistics.js';
import { MAX_PAUSE } from '../annotate/stopwatch.js';
import { endTiming } from '../annotate/timing.js';
import { isClip, openMedium } from '../core/media.js';
import { announce } from '../core/notices.js';
import { find, fingersOnly, listen, root } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { STAGES as STAGE_NAMES } from '../core/traits.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { number, tr } from '../shared/language.js';
import { oncePerFrame } from '../shared/refresh.js';
import { goTo } from '../timeline/navigation.js';
import { automatic, confidentThresholds } from '../tools/automatic_masks.js';
import { addObject } from '../tools/object_actions.js';
import { setTool } from '../tools/toolbar.js';
import { leaveAutomatic } from './automatic_masks.js';
import { openEffects } from './effects.js';
import { hideTab, showTab } from './side_tabs.js';

const panel = find('annotate');

/** @type {Record<Stage, { title: string, text: string }>} */
const STAGES = {
  assisted: {
    title: tr('Assisted'),
    text: fingersOnly
      ? tr(
          'Click on each thing in turn; New object starts the next one. The time for each is measured, without pauses.',
        )
      : tr('Click on each thing in turn; N starts the next one. The time for each is measured, without pauses.'),
  },
  'semi-automatic': {
    title: tr('Semi-automatic'),
    text: tr('The masks that the model is most sure of are proposed, one at a time. Then click on what is missing.'),
  },
  automatic: {
    title: tr('Automatic'),
    text: tr('Takes all masks above these thresholds, photo by photo. One undo takes back a photo.'),
  },
};
const automaticStage = new AutomaticStage();

const stageButtons = STAGE_NAMES.map(stage => {
  const button = make('button', '', STAGES[stage].title);
  button.type = 'button';
  button.dataset.stage = stage;
  button.setAttribute('role', 'radio');
  button.onclick = () => setStage(stage);
  return button;
});

/** @param {Stage | null} stage null closes the panel */
function setStage(stage) {
  if (stage === state.stage) return;
  endTiming();
  const hadProposals = !!state.stage && state.stage !== 'assisted';
  update({ stage });
  if (stage) showTab('annotate');
  else hideTab('annotate');
  const hasProposals = !!stage && stage !== 'assisted';
  root.classList.toggle('mk-has-proposals', hasProposals);
  if (hasProposals) hideTab('automatic');
  if (hasProposals) find('proposal-filters').append(find('automatic-filters'));
  else find('automatic-take').before(find('automatic-filters'));
  for (const name of ['aria-expanded', 'aria-pressed']) find('annotate-open').setAttribute(name, String(!!stage));
  automaticStage.cancel();
  if (stage) openEffects(false, false);
  if (stage === 'semi-automatic') propose();
  else if (stage || hadProposals) leaveAutomatic();
  updatePanel();
  emit('stage');
}

// --- proposals ---

/**
 * Looks for masks on this photo, and proposes those that the model is most sure of.
 * @param {boolean} [isBack] whether they were proposed before: the thresholds stay
 */
async function propose(isBack = false) {
  const { frame } = state;
  if (state.tool !== 'automatic') setTool('automatic', true);
  else if (automatic.frame !== frame) automatic.start();
  if (!(await automatic.finished) || state.stage !== 'semi-automatic' || state.frame !== frame) return;
  if (automatic.settings && !isBack) await automatic.filter(confidentThresholds(automatic.settings));
  nextProposal();
}

let shownAt = 0; // when the proposal was highlighted, in milliseconds

/** How long the user looked at the proposal. */
const secondsToDecide = () => Math.round(Math.min(10 * MAX_PAUSE, (performance.now() - shownAt) / 100)) / 10;

/** Highlights the next mask that is not decided; after the last one, the user clicks on what is missing. */
function nextProposal(isLast = false) {
  const next = automatic.shown.find(mask => !automatic.objectOf(mask)) ?? null;
  shownAt = performance.now();
  automatic.propose(next);
  if (!next && isLast) setTool('point', true);
  announce(next ? automatic.description : tr('No proposal is left. Click on what is missing.'));
  updatePanel();
}

let isDeciding = false;

/** @param {boolean} isWanted */
async function decide(isWanted) {
  const mask = automatic.highlighted;
  if (isDeciding) return; // of the next one nothing was seen yet
  if (!mask || automatic.objectOf(mask)) return nextProposal();
  isDeciding = true;
  try {
    endTiming();
    if (isWanted) await automatic.toggle(mask, false, secondsToDecide());
    else await automatic.reject(mask, secondsToDecide());
  } finally {
    isDeciding = false;
  }
  nextProposal(true);
}

/**
 * Does a step decide on proposals of this photo?
 * @param {Step} step
 */
function decidesHere({ entries }) {
  const isConfirmed = entries.some(entry => entry.traits && entry.set.source === 'confirmed');
  return entries.some(entry => entry.reject === state.frame || (isConfirmed && entry.frame === state.frame));
}

async function confirmAll() {
  endTiming();
  await automatic.takeAll('confirmed', { seconds: secondsToDecide() });
  nextProposal(true);
}

const isProposing = () => state.stage === 'semi-automatic' && state.tool === 'automatic' && !!automatic.settings;

function updateStage() {
  const left = automatic.shown.filter(mask => !automatic.objectOf(mask)).length;
  find('proposals').hidden = state.stage !== 'semi-automatic';
  find('proposals-left').textContent = automatic.job
    ? tr('Looking…')
    : isProposing()
      ? tr('{n} left', { n: left })
      : '';
  find('proposals-confirm').disabled =
    find('proposals-reject').disabled =
    find('proposals-all').disabled =
      !isProposing() || !left;
  find('proposals-find').hidden = isProposing() || !!automatic.job;
  find('automatic-stage').hidden = state.stage !== 'automatic';
  find('automatic-stage-go').hidden = automaticStage.isRunning;
  find('automatic-stage-cancel').hidden = !automaticStage.isRunning;
  find('automatic-stage-text').textContent = automaticStage.text;
}

async function annotateAll() {
  if (state.tool !== 'automatic') setTool('automatic', true);
  await automaticStage.run(openMedium().frames, updatePanel);
  updatePanel();
}

function togglePanel() {
  if (isClip()) return;
  setStage(state.stage ? null : 'assisted');
  announce(state.stage ? tr('Annotating: the time for each object is measured') : tr('Annotating has ended'));
}

// --- photos ---

/** @param {1 | -1} step */
function goToPhoto(step) {
  const frame = state.frame + step;
  if (frame < 0 || frame >= openMedium().frames) return;
  goTo(frame);
  addObject(); // what is clicked there is another thing
}

// --- what is shown ---

const figure = (/** @type {number | null} */ value) => (value === null ? '–' : number(value, 1));

/** @param {ReturnType<typeof countStages>[number]} of */
function statisticsRow({ stage, masks, masksPerPhoto, secondsPerMask, confirmed }) {
  const row = make('tr');
  const head = make('th', '', STAGES[stage].title);
  head.scope = 'row';
  const share = percent(confirmed) || '–';
  const cells = [number(masks), figure(masksPerPhoto), figure(secondsPerMask), share];
  row.append(head, ...cells.map(text => make('td', '', text)));
  return row;
}

function updatePanel() {
  if (!state.stage || !state.medium) return;
  const { frames } = openMedium();
  markChosen(stageButtons, ({ dataset }) => dataset.stage === state.stage);
  find('stage-text').textContent = STAGES[state.stage].text;
  find('annotate-photo').textContent = tr('Photo {n} of {count}', { n: state.frame + 1, count: frames });
  find('annotate-earlier').disabled = state.frame === 0;
  find('annotate-later').disabled = state.frame === frames - 1;
  updateStage();
  find('statistics-rows').replaceChildren(...countStages(state.log).map(statisticsRow));
}

export function setUpAnnotate() {
  find('stages').append(...stageButtons);
  makeRoving(find('stages'));
  listen(find('annotate-open'), 'click', togglePanel);
  listen(find('annotate-close'), 'click', togglePanel);
  listen(find('annotate-earlier'), 'click', () => goToPhoto(-1));
  listen(find('annotate-later'), 'click', () => goToPhoto(1));
  listen(panel, 'keydown', event => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    togglePanel();
    find('annotate-open').focus();
  });
  listen(find('proposals-confirm'), 'click', () => decide(true));
  listen(find('proposals-reject'), 'click', () => decide(false));
  listen(find('proposals-all'), 'click', confirmAll);
  listen(find('proposals-find'), 'click', () => propose());
  listen(find('automatic-stage-go'), 'click', annotateAll);
  listen(find('automatic-stage-cancel'), 'click', () => automaticStage.cancel());
  const { a, n, x, Enter } = shortcuts;
  Object.assign(shortcuts, {
    z: togglePanel,
    y: () => isProposing() && decide(true),
    Enter: (/** @type {KeyboardEvent} */ event) => (isProposing() ? decide(!event.shiftKey) : Enter(event)),
    a: (/** @type {KeyboardEvent} */ event) => (isProposing() ? confirmAll() : a(event)),
    n: (/** @type {KeyboardEvent} */ event) => (isProposing() ? decide(false) : n(event)),
    x: (/** @type {KeyboardEvent} */ event) => (isProposing() ? decide(false) : x(event)),
  });
  on('log frame objects medium automatic tool', oncePerFrame(updatePanel));
  on('frame', () => {
    if (state.stage === 'semi-automatic') propose();
  });
  on('undone', step => {
    if (state.stage === 'semi-automatic' && state.tool !== 'automatic' && decidesHere(step)) propose(true);
  });
  on('automatic', () => {
    const isWaiting = isProposing() && !automatic.job && !automatic.isTaking && !automatic.proposal;
    if (isWaiting && automatic.shown.some(mask => !automatic.objectOf(mask))) nextProposal();
  });
  on('medium', () => {
    find('annotate-open').hidden = isClip();
    if (isClip()) setStage(null);
  });
  on('effects-open', () => setStage(null));
  on('screen', name => {
    if (name === 'start') setStage(null);
  });
}
