// The better network that the server fetches: its offer on the page, and how far it is in the list of models.

import { BetterOffer } from '../core/better_model.js';
import { announce, NO_CONNECTION, toast } from '../core/notices.js';
import { find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { setProgress, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { percent } from '../shared/format.js';
import { sentences, tr } from '../shared/language.js';
import { changeModel } from './models.js';

const offer = new BetterOffer();
let announced = '';

function draw() {
  drawOffer();
  drawDownload();
}

function drawOffer() {
  const shown = offer.shown(state.model.name);
  find('better').hidden = !shown;
  showText(find('better-text'), shown?.text ?? '');
  showText(find('better-use'), shown?.action ?? '');
  if (shown && shown.text !== announced) announce(shown.text);
  announced = shown?.text ?? '';
}

/** One quiet line in the list of models while it is on its way, and where it could not be had. */
function drawDownload() {
  const { status } = offer;
  const line = find('models-better');
  line.hidden = !status || status.state === 'ready' || state.model.name === status.name;
  if (!status || line.hidden) return;
  const failed = status.state === 'failed';
  const progress = [status.message || tr('Starting the download'), percent(status.fraction)]
    .filter(Boolean)
    .join(' · ');
  find('models-better-text').textContent = failed
    ? tr('{title}, which suits this machine, could not be downloaded.', { title: status.title })
    : sentences(tr('{title} suits this machine.', { title: status.title }), progress);
  line.title = failed ? status.message : '';
  find('models-better-retry').hidden = !failed;
  find('models-better-progress').hidden = failed;
  setProgress(find('models-better-progress'), status.fraction);
}

function retry() {
  if (!connection.send({ t: 'retry_download' })) toast(NO_CONNECTION);
}

function use() {
  const next = offer.accept();
  if (next === 'retry') retry();
  else if (next === 'change' && offer.status) changeModel(offer.status.name);
  draw();
}

/** @param {MaskRecord} record */
const looksPoor = ({ rating, area }) => !area || rating === 'poor';

export function setUpBetterModel() {
  on('server-better_model', event => {
    const changesNow = offer.take(event);
    draw();
    if (find('models-dialog').open && event.state !== 'fetching') connection.send({ t: 'list_models' });
    if (changesNow) changeModel(event.name);
  });

  on('server-masks', ({ objects, object, version }) => {
    if (!offer.status || version !== state.version || !state.medium) return;
    const isAnswer = !!object;
    // An object may well be absent from a frame of a clip, but not from where somebody clicked.
    const seen = objects.filter(record => (isAnswer ? record.id === object : record.fresh && record.area));
    if (!seen.length) return;
    offer.see(seen.some(looksPoor), isAnswer);
    drawOffer();
  });

  on('model', draw);
  listen(find('better-use'), 'click', use);
  listen(find('better-close'), 'click', () => {
    offer.close();
    draw();
  });
  listen(find('models-better-retry'), 'click', retry);
}
