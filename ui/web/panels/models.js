// The model: which one is in use, which others this server offers, and the way from one to another.

import { mount } from '../core/mount.js';
import { announce, showProgress, toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { closeWith } from '../shared/dialogs.js';
import { make, setProgress } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { requestMasks } from '../viewport/mask_requests.js';
import { masks } from '../viewport/masks.js';
import { refreshMasks } from '../viewport/viewport.js';

const modelsDialog = find('models-dialog');
let modelList = { current: '', device: '', memory: null, models: [] }; // what the server said last
let change = null; // {model, fraction, message, moving} while another one is on its way
let changesCount = true; // a change that was given up may still be reported for a moment

function openModels() {
  if (modelsDialog.open) return;
  connection.send({ t: 'list_models' });
  find('models-problem').hidden = true;
  drawModels();
  modelsDialog.showModal();
}

function changeModel(name) {
  if (!connection.send({ t: 'choose_model', name }))
    return toast('There is no connection right now. Try again in a moment.');
  find('models-problem').hidden = true;
  changesCount = true;
  setChange({ model: name, fraction: null, message: 'Starting…', moving: false });
}

function giveUpChange() {
  connection.send({ t: 'cancel', job: 'model' });
  changesCount = false;
  announce('The model stays as it was');
  setChange(null);
}

function setChange(wanted) {
  if (change?.moving && !wanted) showProgress('');
  change = wanted;
  if (change?.moving && !modelsDialog.open)
    showProgress(`Changing to ${titleOf(change.model)}`, change.fraction, change.message, giveUpChange);
  drawModels();
  updateModelButton();
}

const titleOf = name => modelList.models.find(offer => offer.name === name)?.title ?? name;

function updateModelButton() {
  find('model-title').textContent = state.model.title || 'Model';
  find('model-change').textContent = change ? percent(change.fraction) || ' …' : '';
  const loading = change ? `Changing to ${titleOf(change.model)}: ${change.message}${percent(change.fraction)}` : '';
  const label =
    loading || `Model: ${state.model.title || 'loading'}${state.model.device ? ` on ${state.model.device}` : ''}`;
  find('model').title = `${label} (W)`;
  find('model').setAttribute('aria-label', label);
}

// --- the list ---

const times = number => `${number < 10 ? number.toFixed(1) : Math.round(number)}×`;
const megabyteText = megabytes => `${megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes)} MB`;

function weightsOf(offer) {
  return {
    bundled: 'Comes with Masklet',
    downloaded: 'On this server’s disk already',
    remote: `Will be downloaded: ${megabyteText(offer.megabytes ?? 0)}`,
    own: 'This server’s own weights',
  }[offer.weights];
}

function workOf(offer) {
  if (offer.weights === 'own') return '';
  if (offer.picture === 1) return 'The least work';
  return `Work: ${times(offer.picture)} nano for a picture, ${times(offer.frame)} to track`;
}

function drawModels() {
  const { device, memory, models } = modelList;
  const list = find('models-list');
  const used = memory === null ? '' : `, ${Math.round(100 * memory)}% of its memory in use`;
  find('models-device').textContent = device ? `Runs on: ${device}${used}.` : '';
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.model : null;
  list.replaceChildren(...models.map(offerCard));
  if (focused) (list.querySelector(`[data-model="${CSS.escape(focused)}"]`) ?? find('models-close')).focus();
}

function offerCard(offer) {
  const card = make('li', 'mk-model-card');
  const head = make('div', 'mk-model-card-head');
  const current = offer.name === state.model.name;
  head.append(make('b', '', offer.title));
  if (current) head.append(make('span', 'mk-model-card-mark', 'in use'));
  else if (offer.loaded) head.append(make('span', 'mk-model-card-mark mk-model-card-quiet', 'loaded'));
  card.classList.toggle('mk-current', current);
  const size = offer.parameters
    ? `${offer.parameters} M parameters · ${megabyteText(offer.megabytes)} · ${offer.licence}`
    : '';
  const facts = make('div', 'mk-model-card-facts');
  facts.append(
    ...[size, workOf(offer), offer.loaded ? '' : weightsOf(offer)].filter(Boolean).map(text => make('span', '', text)),
  );
  card.append(head, facts);
  if (change?.model === offer.name) card.append(changeBar());
  else if (!current || state.model.error) card.append(useButton(offer, current));
  return card;
}

function useButton(offer, again) {
  const button = make('button', 'mk-button', again ? 'Try again' : 'Use');
  button.type = 'button';
  button.dataset.model = offer.name;
  button.disabled = !!change;
  button.setAttribute('aria-label', `${again ? 'Try again with' : 'Use'} ${offer.title}`);
  button.onclick = () => changeModel(offer.name);
  return button;
}

function changeBar() {
  const bar = make('div', 'mk-model-card-change');
  const progress = make('div', 'mk-progress');
  const row = make('div', 'mk-row');
  progress.append(make('i'));
  setProgress(progress, change.fraction);
  const cancel = make('button', 'mk-link', 'Cancel');
  cancel.type = 'button';
  cancel.dataset.model = change.model;
  cancel.onclick = giveUpChange;
  row.append(make('span', '', [change.message, percent(change.fraction).trim()].filter(Boolean).join(' · ')), cancel);
  bar.append(progress, row);
  return bar;
}

export function setUpModels() {
  // --- what the server says ---

  on('model', updateModelButton);
  on('server-models', message => {
    modelList = message;
    drawModels();
    updateModelButton();
  });

  // The same clicks have other masks now: all that is shown is asked for again, what is looked at first.
  on('server-model', message => {
    if (!state.model.name || state.model.name === message.name || !state.medium) return;
    masks.clear(state.medium.frames);
    connection.send({ t: 'get_masks', first: state.frame, last: state.frame });
    refreshMasks();
    requestMasks();
  });

  on('server-progress', message => {
    if (message.job !== 'model' || !changesCount) return;
    setChange({ model: message.model, fraction: message.fraction, message: message.message, moving: !!message.moving });
  });

  on('server-done', message => {
    if (message.job !== 'model') return;
    setChange(null);
    connection.send({ t: 'list_models' });
    if (modelsDialog.open) modelsDialog.close();
    const again = state.log.prompts.size ? ' Your clicks were said to it again.' : '';
    toast(`${state.model.title} is in use now.${again}`, 'hint');
  });

  on('server-error', message => {
    if (message.job !== 'model') return;
    setChange(null);
    find('models-problem').textContent = message.text;
    find('models-problem').hidden = false;
  });

  listen(find('model'), 'click', openModels);
  closeWith(modelsDialog, find('models-close'), { signal: mount.signal });
  Object.assign(shortcuts, { w: openModels });
}
