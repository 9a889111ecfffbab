// The model: which one is in use, which others this server offers, and changing it.

/** @import { ModelData, ModelsEvent } from '../protocol.js' */

import { isClip } from '../core/media.js';
import { isPublished, qualityText, shortNumber, sizeText, speedText, workText } from '../core/model_facts.js';
import { mount } from '../core/mount.js';
import { announce, NO_CONNECTION, showProgress, toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { makeRoving, markChosen } from '../core/roving.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { closeWith } from '../shared/dialogs.js';
import { make, makeButton, setProgress } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { dimensions, percent, withPercent } from '../shared/format.js';
import { sentences, told, tr } from '../shared/language.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';
import { refreshMasks } from '../viewport/viewport.js';
import { groupModels, pickModel, resolutionText, shownModel } from './model_sizes.js';

/**
 * A change to another model under way. `moving`: it is loaded and gets the edit log.
 * @typedef {{ model: string, fraction: number | null, message: string, moving: boolean }} Change
 */

const modelsDialog = find('models-dialog');
/** @type {ModelsEvent} */
let available = { t: 'models', current: '', device: '', memory: null, models: [] };
/** @type {Change | null} */
let change = null;
let isCancelled = false; // the progress of a cancelled change may still arrive
/** @type {Set<string>} names of the entries that were picked since the dialog was opened, one of a network */
const picked = new Set();

function openModels() {
  if (modelsDialog.open) return;
  connection.send({ t: 'list_models' });
  find('models-problem').hidden = true;
  picked.clear();
  drawModels();
  modelsDialog.showModal();
}

/** @param {string} name */
export function changeModel(name) {
  if (!connection.send({ t: 'choose_model', name })) return toast(NO_CONNECTION);
  find('models-problem').hidden = true;
  isCancelled = false;
  setChange({ model: name, fraction: null, message: tr('Starting…'), moving: false });
}

function cancelChange() {
  connection.send({ t: 'cancel', job: 'model' });
  isCancelled = true;
  announce(tr('The model stays as it was'));
  setChange(null);
}

/**
 * One sentence; what the server says about it, which may be long, is there for whoever points at it.
 * @param {string} reason
 */
function changeFailed(reason) {
  const { model: name = '' } = change ?? {};
  setChange(null);
  const text = tr('{title} could not be loaded; {other} stays in use.', {
    title: titleOf(name) || tr('The model'),
    other: state.model.title,
  });
  find('models-problem-text').textContent = text;
  find('models-problem').title = reason;
  find('models-problem').hidden = false;
  find('models-problem-retry').hidden = !name;
  find('models-problem-retry').onclick = () => changeModel(name);
  if (!modelsDialog.open) toast(text);
}

/** @param {Change | null} next */
function setChange(next) {
  if (change?.moving && !next) showProgress('');
  change = next;
  if (next?.moving && !modelsDialog.open)
    showProgress(tr('Changing to {title}', { title: titleOf(next.model) }), next.fraction, next.message, cancelChange);
  drawModels();
  updateModelButton();
}

/** @param {string} name */
const titleOf = name => available.models.find(model => model.name === name)?.title ?? name;

function updateModelButton() {
  const { title, device } = state.model;
  find('model-title').textContent = title || tr('Model');
  find('model-change').textContent = change ? percent(change.fraction) || '…' : '';
  const label = change
    ? `${tr('Changing to {title}', { title: titleOf(change.model) })}: ${withPercent(change.message, change.fraction)}`
    : device
      ? tr('Model: {title} on {device}', { title: title || tr('loading'), device: told(device) })
      : tr('Model: {title}', { title: title || tr('loading') });
  find('model').title = `${label} (W)`;
  find('model').setAttribute('aria-label', label);
}

// --- the list ---

/** @param {ModelData} model */
function weightsText({ weights, megabytes = 0 }) {
  return {
    bundled: tr('Comes with Masklet'),
    downloaded: tr('On this server’s disk already'),
    remote: tr('Will be downloaded: {size}', { size: tr('{n} MB', { n: shortNumber(megabytes) }) }),
    own: tr('This server’s own weights'),
    trained: tr('Trained here, for you alone: it goes when you leave'),
  }[weights];
}

/** @param {ModelData} model */
const clipText = model =>
  isPublished(model) && model.frame === undefined && isClip()
    ? tr('Cannot track through this clip: a SAM 2 model can')
    : '';

function drawModels() {
  const { device, memory, models } = available;
  const list = find('models-list');
  const runsOn =
    memory === null
      ? tr('Runs on: {device}.', { device: told(device) })
      : tr('Runs on: {device}, {share} of its memory in use.', { device: told(device), share: percent(memory) });
  find('models-device').textContent = device ? runsOn : '';
  const buttons = () => /** @type {NodeListOf<HTMLButtonElement>} */ (list.querySelectorAll('[data-focus]'));
  const focused = [...buttons()].find(button => button === document.activeElement)?.dataset.focus;
  list.replaceChildren(...groupModels(models).map(modelCard));
  if (focused) ([...buttons()].find(button => button.dataset.focus === focused) ?? find('models-close')).focus();
}

/**
 * A network, in one of the resolutions in which it is offered.
 * @param {ModelData[]} group
 */
function modelCard(group) {
  const card = make('li', 'mk-model-card');
  const head = make('div', 'mk-model-card-head');
  const model = shownModel(group, [change?.model, ...picked, state.model.name]);
  const inUse = group.find(({ name }) => name === state.model.name);
  const isCurrent = model === inUse;
  head.append(make('b', '', model.title));
  const mark =
    inUse && !isCurrent
      ? tr('{resolution} in use', { resolution: resolutionText(inUse, group).toLowerCase() })
      : tr('in use');
  if (inUse) head.append(make('span', 'mk-model-card-mark', mark));
  else if (model.loaded) head.append(make('span', 'mk-model-card-mark mk-model-card-quiet', tr('loaded')));
  if (group.length > 1) head.append(resolutionChoice(model, group));
  card.classList.toggle('mk-current', !!inUse);
  const facts = make('div', 'mk-model-card-facts');
  const place = model.loaded && model.weights !== 'trained' ? '' : weightsText(model);
  const speed = speedText(model) || workText(model);
  const texts = [qualityText(model), speed, clipText(model), sizeText(model), place];
  facts.append(...texts.filter(Boolean).map(text => make('span', '', text)));
  card.append(head, facts);
  if (change?.model === model.name) card.append(changeBar(change));
  else if (!isCurrent || state.model.error) card.append(useButton(model, isCurrent));
  return card;
}

/**
 * @param {ModelData} shown
 * @param {ModelData[]} group
 */
function resolutionChoice(shown, group) {
  const choice = make('div', 'mk-segment mk-model-card-sizes');
  choice.setAttribute('role', 'radiogroup');
  choice.setAttribute('aria-label', tr('Resolution of {title}', { title: group[group.length - 1]?.title ?? '' }));
  const buttons = group.map(model => {
    const button = makeButton('', resolutionText(model, group), () => {
      for (const { name } of group) picked.delete(name);
      picked.add(model.name);
      pickModel(model);
      drawModels();
    });
    button.setAttribute('role', 'radio');
    button.title = tr('Pictures are seen at {size} pixels', {
      size: dimensions({ width: model.image_size ?? 0, height: model.image_size ?? 0 }),
    });
    button.disabled = !!change;
    button.dataset.focus = `size ${model.name}`;
    return button;
  });
  markChosen(buttons, button => buttons.indexOf(/** @type {HTMLButtonElement} */ (button)) === group.indexOf(shown));
  makeRoving(choice);
  choice.append(...buttons);
  return choice;
}

/**
 * @param {ModelData} model
 * @param {boolean} again
 */
function useButton({ name, title }, again) {
  const button = makeButton('mk-button', again ? tr('Try again') : tr('Use'), () => changeModel(name));
  button.dataset.focus = `use ${name}`;
  button.disabled = !!change;
  button.setAttribute('aria-label', again ? tr('Try again with {title}', { title }) : tr('Use {title}', { title }));
  return button;
}

/** @param {Change} change */
function changeBar({ model, fraction, message }) {
  const bar = make('div', 'mk-model-card-change');
  const progress = make('div', 'mk-progress');
  const row = make('div', 'mk-row');
  progress.append(make('i'));
  setProgress(progress, fraction);
  const cancel = makeButton('mk-link', tr('Cancel'), cancelChange);
  cancel.dataset.focus = `use ${model}`;
  row.append(make('span', '', [message, percent(fraction)].filter(Boolean).join(' · ')), cancel);
  bar.append(progress, row);
  return bar;
}

export function setUpModels() {
  on('model', updateModelButton);
  on('server-models', event => {
    available = event;
    drawModels();
    updateModelButton();
  });

  // Another model computes other masks from the same prompts: all are requested again, those of the shown frame first.
  on('server-model', ({ name }) => {
    if (!state.model.name || state.model.name === name || !state.medium) return;
    masks.clear(state.medium.frames);
    connection.send({ t: 'get_masks', first: state.frame, last: state.frame });
    refreshMasks();
    requestMasks();
  });

  on('server-progress', ({ job, model = '', fraction, message, moving = false }) => {
    if (job === 'model' && !isCancelled) setChange({ model, fraction, message, moving });
  });

  on('server-done', ({ job }) => {
    if (job !== 'model') return;
    setChange(null);
    connection.send({ t: 'list_models' });
    modelsDialog.close();
    const again = state.log.prompts.size ? tr('Your clicks were applied again.') : '';
    toast(sentences(tr('{title} is in use now.', { title: state.model.title }), again), 'hint');
  });

  on('server-error', ({ job, text }) => {
    if (job === 'model') changeFailed(text);
  });

  listen(find('model'), 'click', openModels);
  closeWith(modelsDialog, find('models-close'), { signal: mount.signal });
  shortcuts.w = openModels;
}
