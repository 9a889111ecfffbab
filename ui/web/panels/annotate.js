// The panel for annotating photos in the stages of the data engine, with what each has given and taken.

import { AutomaticStage } from '../annotate/automatic_stage.js';
import { countStages } from '../annotate/statistics.js';
import { endTiming } from '../annotate/timing.js';
import { isClip, openMedium } from '../core/media.js';
import { announce } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { STAGES as STAGE_NAMES } from '../core/traits.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { oncePerFrame } from '../shared/refresh.js';
import { goTo } from '../timeline/navigation.js';
import { automatic, confidentThresholds } from '../tools/automatic_masks.js';
import { addObject } from '../tools/object_actions.js';
import { setTool } from '../tools/toolbar.js';
import { leaveAutomatic } from './automatic_masks.js';
import { openEffects } from './effects.js';

const panel = find('annotate');

/** @type {Record<Stage, { title: string, text: string }>} */
const STAGES = {
  assisted: {
    title: 'Assisted',
    text: 'Click on each thing in turn; N starts the next one. The time for each is measured, without pauses.',
  },
  'semi-automatic': {
    title: 'Semi-automatic',
    text: 'The masks that the model is most sure of are proposed, one at a time. Then click on what is missing.',
  },
  automatic: {
    title: 'Automatic',
    text: 'Takes all masks above these thresholds, photo by photo. One undo takes back a photo.',
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
  update({ stage });
  panel.hidden = !stage;
  root.classList.toggle('mk-has-annotate', !!stage);
  const hasProposals = !!stage && stage !== 'assisted';
  root.classList.toggle('mk-has-proposals', hasProposals);
  if (hasProposals) find('proposal-filters').append(find('automatic-filters'));
  else find('automatic-take').before(find('automatic-filters'));
  for (const name of ['aria-expanded', 'aria-pressed']) find('annotate-open').setAttribute(name, String(!!stage));
  automaticStage.cancel();
  if (stage) openEffects(false, false);
  if (stage === 'semi-automatic') propose();
  else if (stage) leaveAutomatic();
  updatePanel();
  emit('stage');
}

// --- proposals ---

/** Looks for masks on this photo, and proposes those that the model is most sure of. */
async function propose() {
  const { frame } = state;
  if (state.tool !== 'automatic') setTool('automatic', true);
  else if (automatic.frame !== frame) automatic.start();
  if (!(await automatic.finished) || state.stage !== 'semi-automatic' || state.frame !== frame) return;
  if (automatic.settings) await automatic.filter(confidentThresholds(automatic.settings));
  nextProposal();
}

/** Those of the masks that are shown on which nothing is decided. */
const openProposals = () => automatic.shown.filter(mask => !automatic.objectOf(mask));

/** Highlights the next one. */
function nextProposal() {
  const next = openProposals()[0] ?? null;
  automatic.highlight(next);
  announce(next ? automatic.description : 'No proposal is left. Click on what is missing.');
  updatePanel();
}

/** @param {boolean} isWanted */
async function decide(isWanted) {
  const mask = automatic.highlighted;
  if (!mask || automatic.objectOf(mask)) return nextProposal();
  if (isWanted) await automatic.toggle(mask);
  else await automatic.reject(mask);
  nextProposal();
}

async function confirmAll() {
  await automatic.takeAll('confirmed');
  nextProposal();
}

const isProposing = () => state.stage === 'semi-automatic' && state.tool === 'automatic' && !!automatic.settings;

function updateStage() {
  const left = openProposals().length;
  find('proposals').hidden = state.stage !== 'semi-automatic';
  find('proposals-left').textContent = automatic.job ? 'Looking…' : isProposing() ? `${left} left` : '';
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
  announce(state.stage ? 'Annotating: the time for each object is measured' : 'Annotating has ended');
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

const number = (/** @type {number | null} */ value) => (value === null ? '–' : value.toFixed(1));

/** @param {ReturnType<typeof countStages>[number]} of */
function statisticsRow({ stage, masks, masksPerPhoto, secondsPerMask, confirmed }) {
  const row = make('tr');
  const head = make('th', '', STAGES[stage].title);
  head.scope = 'row';
  const share = confirmed === null || stage !== 'semi-automatic' ? '–' : `${Math.round(100 * confirmed)}%`;
  const cells = [`${masks}`, number(masksPerPhoto), number(secondsPerMask), share];
  row.append(head, ...cells.map(text => make('td', '', text)));
  return row;
}

function updatePanel() {
  if (!state.stage || !state.medium) return;
  const { frames } = openMedium();
  for (const button of stageButtons) {
    button.setAttribute('aria-checked', String(button.dataset.stage === state.stage));
    button.tabIndex = button.dataset.stage === state.stage ? 0 : -1;
  }
  find('stage-text').textContent = STAGES[state.stage].text;
  find('annotate-photo').textContent = `Photo ${state.frame + 1} of ${frames}`;
  find('annotate-earlier').disabled = state.frame === 0;
  find('annotate-later').disabled = state.frame === frames - 1;
  updateStage();
  find('statistics-rows').replaceChildren(...countStages(state.log).map(statisticsRow));
}

export function setUpAnnotate() {
  find('stages').append(...stageButtons);
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
  listen(find('proposals-find'), 'click', propose);
  listen(find('automatic-stage-go'), 'click', annotateAll);
  listen(find('automatic-stage-cancel'), 'click', () => automaticStage.cancel());
  const { x, n } = shortcuts;
  Object.assign(shortcuts, {
    z: togglePanel,
    y: () => isProposing() && decide(true),
    n: (/** @type {KeyboardEvent} */ event) => (isProposing() ? decide(false) : n(event)),
    x: (/** @type {KeyboardEvent} */ event) => (isProposing() ? decide(false) : x(event)),
  });
  on('log frame objects medium automatic tool', oncePerFrame(updatePanel));
  on('automatic', () => {
    if (isProposing() && !automatic.job && !automatic.highlighted) automatic.highlight(openProposals()[0] ?? null);
  });
  on('frame', () => {
    if (state.stage === 'semi-automatic' && state.tool === 'automatic') propose();
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
