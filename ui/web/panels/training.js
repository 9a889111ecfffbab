// Training on what was annotated: how far it is, what it brought, and going on with the new model or the former one.

/** @import { TrainRequest } from '../protocol.js' */

import { measuredText } from '../annotate/statistics.js';
import { endTiming } from '../annotate/timing.js';
import { isAlbum } from '../core/media.js';
import { NO_CONNECTION, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { make, setProgress, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { megabytes, percent, withPercent } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { exportAddress } from './download.js';
import { changeModel } from './models.js';

const MINUTES = [1, 2, 5, 10, 20, 60];
const MIN_PHOTOS = 2; // with masks: one is set aside to measure with
/** @type {Record<string, string>} */
const FIGURES = {
  click1: tr('One click'),
  click3: tr('Three clicks'),
  click5: tr('Five clicks'),
  click1_oracle: tr('Best of three after a click'),
  box: 'A box',
};

let isRunning = false;
let isCancelled = false; // what the server still tells of such a training is not shown
/** Why nothing can be trained here and now, for the user; '' where it can. */
function whyNot() {
  if (!about.max_train_minutes)
    return tr('This server does not train. Download “Data set” and train with it on your computer.');
  if (!isAlbum()) return tr('To train, open several photos together: some are set aside to measure with.');
  const photos = new Set([...state.log.prompts.values()].flatMap(frames => [...frames.keys()])).size;
  return photos < MIN_PHOTOS
    ? tr('To train, annotate at least {n} photos: one is set aside to measure with.', { n: MIN_PHOTOS })
    : '';
}

/** The newest training of this session on these photos; its weights are gone with either. */
function currentResult() {
  const { training, token, version } = state;
  return training?.token === token && training.version === version ? training : null;
}

function updateTraining() {
  if (!state.stage) return;
  const result = currentResult();
  const why = whyNot();
  find('training-text').textContent =
    why ||
    tr(
      'Fine-tunes the model in use on your masks and measures it on photos that were set aside. Masks that stayed as the model gave them teach it nothing new and favor the former model: correct them first.',
    );
  find('training-start').hidden = !!why || isRunning;
  find('training-run').hidden = !isRunning;
  find('training-result').hidden = !result;
  if (!result) return;
  const { name, title, former, before, after, url, size } = result;
  find('training-caption').textContent = title;
  find('training-use').disabled = state.model.name === name;
  find('training-use').textContent = state.model.name === name ? tr('In use') : tr('Use the new model');
  find('training-back').disabled = state.model.name === former.name;
  find('training-back').textContent = tr('Back to {title}', { title: former.title });
  Object.assign(find('training-weights'), {
    href: exportAddress(url),
    title: tr('Download the weights, {size}', { size: megabytes(size) }),
  });
  find('training-measured').textContent = measuredText(result);
  const names = Object.keys(FIGURES).filter(each => each in before && each in after);
  find('training-figures').replaceChildren(...names.map(each => figureRow(each, before[each], after[each])));
}

/**
 * @param {string} name
 * @param {number} before
 * @param {number} after
 */
function figureRow(name, before, after) {
  const row = make('tr');
  const head = make('th', '', FIGURES[name]);
  head.scope = 'row';
  const shown = (/** @type {number} */ value) => percent(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const isSame = shown(after) === shown(before); // what cannot be told apart is neither
  const change = isSame ? '' : after > before ? 'mk-better' : 'mk-worse';
  row.append(head, make('td', '', shown(before)), make('td', change, shown(after)));
  return row;
}

function startTraining() {
  endTiming();
  const minutes = Number(find('training-minutes').value);
  /** @type {TrainRequest} */
  const request = { t: 'train', objects: objects.known(), minutes };
  if (!connection.send(request)) return toast(NO_CONNECTION);
  showText(find('training-problem'), '');
  isCancelled = false;
  update({ training: null });
  showProgress(null, tr('Starting'));
}

/**
 * @param {number | null} fraction
 * @param {string} message
 */
function showProgress(fraction, message) {
  isRunning = true;
  setProgress(find('progress', find('training-run')), fraction);
  find('training-progress').textContent = withPercent(message, fraction);
  updateTraining();
}

/** @param {string} [problem] */
function endTraining(problem = '') {
  isRunning = false;
  showText(find('training-problem'), problem);
  updateTraining();
}

export function setUpTraining() {
  const minutes = MINUTES.filter(each => each <= about.max_train_minutes);
  find('training-minutes').append(...minutes.map(each => new Option(`${each}`, `${each}`, false, each === 5)));
  listen(find('training-go'), 'click', startTraining);
  listen(find('training-cancel'), 'click', () => {
    connection.send({ t: 'cancel', job: 'train' });
    isCancelled = true;
    endTraining();
  });
  listen(find('training-use'), 'click', () => changeModel(currentResult()?.name ?? ''));
  listen(find('training-back'), 'click', () => changeModel(currentResult()?.former.name ?? ''));

  on('server-progress', ({ job, fraction, message }) => {
    // Also of a training that began before the page was loaded anew, or before photos were added.
    if (job === 'train' && !isCancelled) showProgress(fraction, message);
  });
  on(
    'server-done',
    ({ job, name = '', title = '', before = {}, after = {}, photos = 0, masks = 0, url = '', size = 0 }) => {
      if (job !== 'train') return;
      const { model, token, version } = state;
      const former = { name: model.name, title: model.title };
      const result = { name, title, former, before, after, photos, masks, url, size };
      update({ training: { ...result, token, version } });
      connection.send({ t: 'list_models' });
      endTraining();
      if (!state.stage) toast(tr('The training is done. Look at what it brought under Annotate.'), 'hint');
    },
  );
  on('server-error', ({ job, text }) => {
    if (job === 'train') endTraining(text);
  });
  on('medium', () => endTraining());
  on('log stage model', updateTraining);
}
