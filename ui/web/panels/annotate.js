// The panel for annotating photos in the stages of the data engine, with what each has given and taken.

import { countStages } from '../annotate/statistics.js';
import { endTiming } from '../annotate/timing.js';
import { isClip, openMedium } from '../core/media.js';
import { announce } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state, update } from '../core/store.js';
import { make } from '../shared/elements.js';
import { emit, on } from '../shared/events.js';
import { oncePerFrame } from '../shared/refresh.js';
import { goTo } from '../timeline/navigation.js';
import { addObject } from '../tools/object_actions.js';
import { openEffects } from './effects.js';

const panel = find('annotate');

/** @type {Record<Stage, { title: string, text: string }>} */
const STAGES = {
  assisted: {
    title: 'Assisted',
    text: 'Click on each thing in turn; N starts the next one. The time for each is measured, without pauses.',
  },
  'semi-automatic': { title: 'Semi-automatic', text: '' },
  automatic: { title: 'Automatic', text: '' },
};
/** @type {Stage[]} that can be chosen */
const OFFERED = ['assisted'];

const stageButtons = OFFERED.map(stage => {
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
  for (const name of ['aria-expanded', 'aria-pressed']) find('annotate-open').setAttribute(name, String(!!stage));
  if (stage) openEffects(false, false);
  updatePanel();
  emit('stage');
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
  find('statistics-rows').replaceChildren(...countStages(state.log).map(statisticsRow));
}

export function setUpAnnotate() {
  find('stages').append(...stageButtons);
  find('stages').hidden = OFFERED.length < 2;
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
  shortcuts.z = togglePanel;
  on('log frame objects medium', oncePerFrame(updatePanel));
  on('medium', () => {
    find('annotate-open').hidden = isClip();
    if (isClip()) setStage(null);
  });
  on('effects-open', () => setStage(null));
  on('screen', name => {
    if (name === 'start') setStage(null);
  });
}
