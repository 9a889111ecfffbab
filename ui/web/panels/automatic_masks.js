// The panel of automatic masks: progress, filters, taking all, and a finer grid. It is open as long as the tool is chosen.

import { announce, showTip } from '../core/notices.js';
import { find, listen, root } from '../core/page.js';
import { isWorking } from '../core/screen.js';
import { shortcuts } from '../core/shortcuts.js';
import { state } from '../core/store.js';
import { connection } from '../net/connection.js';
import { setProgress, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { duration, percent } from '../shared/format.js';
import { plural, tr } from '../shared/language.js';
import { automatic } from '../tools/automatic_masks.js';
import { setTool } from '../tools/toolbar.js';
import { track } from '../tracking/tracking.js';
import { openDownload } from './download.js';
import { openEffects } from './effects.js';
import { hideTab, showTab } from './side_tabs.js';

const MAX_SHARE = 0.25; // of the picture, at the end of the slider of sizes
const panel = find('automatic');
const [iou, stability, share] = [find('automatic-iou'), find('automatic-stability'), find('automatic-share')];
let toolBefore = 'point';
let wasOpen = false;
let awaitsDownload = false; // until the server has what was taken

/** @param {number} value of the slider, whose lower end is for small things */
const shareAt = value => MAX_SHARE * (value / 100) ** 3;
/** @param {number} size as a share of the picture */
const sliderAt = size => Math.round(100 * Math.cbrt(size / MAX_SHARE));

/** Starts; while it is on and has nothing, looks at this frame. */
function startOrLeave() {
  if (!state.medium) return;
  if (state.tool !== 'automatic') setTool('automatic', true);
  else if (automatic.settings || automatic.job) leaveAutomatic();
  else automatic.start();
}

export function leaveAutomatic() {
  if (state.tool !== 'automatic') return false;
  setTool(toolBefore);
  return true;
}

/** What Escape does first: cancels a run, else leaves. */
export function endAutomatic() {
  if (!automatic.job) return leaveAutomatic();
  automatic.cancel();
  return true;
}

function toolChanged() {
  const isOpen = state.tool === 'automatic';
  if (!isOpen) toolBefore = state.tool;
  if (isOpen === wasOpen) return;
  wasOpen = isOpen;
  root.classList.toggle('mk-has-automatic', isOpen);
  if (!isOpen) {
    const hadFocus = panel.contains(document.activeElement);
    hideTab('automatic');
    awaitsDownload = false;
    automatic.end();
    announce(tr('Done with everything'));
    if (hadFocus || document.activeElement === document.body) find('over').focus({ preventScroll: true });
    return;
  }
  openEffects(false, false);
  if (!root.classList.contains('mk-has-proposals')) showTab('automatic'); // else the stage has a tab of its own
  automatic.open();
  updatePanel();
}

async function takeAllAndDownload() {
  await automatic.takeAll();
  if (!state.log.prompts.size) return;
  awaitsDownload = true;
  openAwaited();
}

/** Opens the download as soon as the server has all that was taken. */
function openAwaited() {
  if (!awaitsDownload || connection.pending.length || !find('progress-overlay').hidden) return;
  awaitsDownload = false;
  openDownload();
}

function startAgain() {
  const grid = {
    points_per_side: Number(find('automatic-points').value),
    crop_layers: Number(find('automatic-crops').value),
  };
  automatic.start(automatic.settings ? grid : {});
}

function trackTaken() {
  leaveAutomatic();
  track('both');
}

// --- what is seen ---

function noteText() {
  const { job, settings, note, total, known, shown } = automatic;
  if (note || job) return note;
  if (!settings) return tr('Nothing has been looked for here yet.');
  if (shown.length) return '';
  if (known) return tr('What was found is an object already. Try a finer grid.');
  if (!total) return tr('Nothing was found. Try a finer grid.');
  return tr('The filters hide all of them. Move the sliders to the left.');
}

function updateJob() {
  const { job, shown } = automatic;
  const hadFocus = document.activeElement === find('automatic-cancel');
  find('automatic-job').hidden = !job;
  if (!job) {
    if (hadFocus) find('automatic-again').focus();
    return;
  }
  setProgress(find('progress', find('automatic-job')), job.fraction);
  const left = job.left ? tr('{time} left', { time: duration(job.left) }) : '';
  const found = shown.length ? plural(shown.length, '{n} found', '{n} found') : tr('Looking…');
  const parts = [percent(job.fraction), found, left];
  find('automatic-text').textContent = parts.filter(Boolean).join(' · ');
}

function updateFilters() {
  const { settings, thresholds } = automatic;
  find('automatic-filters').hidden = find('automatic-take').hidden = !settings;
  if (!settings) return;
  iou.min = `${Math.round(100 * settings.floor_predicted_iou)}`;
  stability.min = `${Math.round(100 * settings.floor_stability)}`;
  const { activeElement } = document;
  if (activeElement !== iou) iou.value = `${Math.round(100 * thresholds.min_predicted_iou)}`;
  if (activeElement !== stability) stability.value = `${Math.round(100 * thresholds.min_stability)}`;
  if (activeElement !== share) share.value = `${sliderAt(thresholds.min_share)}`;
  find('automatic-at-edge').checked = thresholds.atEdge;
  find('automatic-iou-text').textContent = percent(thresholds.min_predicted_iou);
  find('automatic-stability-text').textContent = percent(thresholds.min_stability);
  const least = thresholds.min_share;
  const digits = { maximumSignificantDigits: least < 0.01 ? 1 : 2 };
  find('automatic-share-text').textContent = least ? percent(least, digits) : tr('any');
}

/** @type {unknown} the settings that the choices of the grid show */
let shownGrid = null;

function updateGrid() {
  const { settings, job } = automatic;
  find('automatic-again').disabled = !!job;
  find('automatic-again-text').textContent = settings || job ? tr('Again') : tr('Find here');
  find('automatic-grid').hidden = !settings && !job;
  if (!settings || settings === shownGrid) return;
  shownGrid = settings;
  const points = find('automatic-points');
  const value = `${settings.points_per_side}`;
  if (![...points.options].some(option => option.value === value)) points.add(new Option(`${value} × ${value}`, value));
  points.value = value;
  find('automatic-crops').value = `${settings.crop_layers}`;
}

function updatePanel() {
  if (!wasOpen) return;
  const { shown, total, taken, settings, isTaking } = automatic;
  const left = shown.length - taken;
  find('automatic-count').textContent = settings ? tr('{n} of {count}', { n: shown.length, count: total }) : '';
  showText(find('automatic-note'), noteText());
  updateJob();
  updateFilters();
  updateGrid();
  find('automatic-take-text').textContent = isTaking
    ? tr('Taking…')
    : left
      ? plural(left, 'Take all {n}', 'Take all {n}')
      : taken
        ? plural(taken, 'All {n} taken', 'All {n} taken')
        : tr('Take all');
  find('automatic-download-text').textContent = left ? tr('Take all and download') : tr('Download');
  find('automatic-take-all').disabled = !left || isTaking;
  find('automatic-download').disabled = !shown.length && !state.log.prompts.size;
  find('automatic-track').disabled = !state.log.prompts.size;
  find('automatic-previous').disabled = find('automatic-next').disabled = !shown.length;
}

let hasShownHint = false;

/** Once there are first outlines: what to do with them. */
function showHint() {
  if (hasShownHint || !automatic.shown.length) return;
  hasShownHint = true;
  showTip(tr('Click on an outline to take it as an object.'));
}

export function setUpAutomaticPanel() {
  on('tool', toolChanged);
  on('automatic log', updatePanel);
  on('automatic', showHint);
  on('medium', () => leaveAutomatic());
  on('screen', name => {
    if (name === 'start') leaveAutomatic();
  });
  on('effects-open', () => leaveAutomatic());
  on('in-flight masks server-done', openAwaited);
  on('server-error', () => {
    awaitsDownload = false;
  });

  const { q } = shortcuts;
  Object.assign(shortcuts, {
    a: startOrLeave,
    q: (/** @type {KeyboardEvent} */ event) =>
      state.tool === 'automatic' ? automatic.step(event.shiftKey ? -1 : 1) : q(event),
    Enter: (/** @type {KeyboardEvent} */ { shiftKey }) => {
      if (state.tool === 'automatic' && automatic.highlighted) automatic.toggle(automatic.highlighted, shiftKey);
    },
  });
  listen(find('automatic-previous'), 'click', () => automatic.step(-1));
  listen(find('automatic-next'), 'click', () => automatic.step(1));
  listen(find('automatic-close'), 'click', leaveAutomatic);
  listen(find('automatic-done'), 'click', leaveAutomatic);
  listen(find('automatic-cancel'), 'click', () => automatic.cancel());
  listen(find('automatic-take-all'), 'click', () => automatic.takeAll());
  listen(find('automatic-download'), 'click', takeAllAndDownload);
  listen(find('automatic-track'), 'click', trackTaken);
  listen(find('automatic-again'), 'click', startAgain);
  listen(iou, 'input', () => automatic.filter({ min_predicted_iou: iou.valueAsNumber / 100 }));
  listen(stability, 'input', () => automatic.filter({ min_stability: stability.valueAsNumber / 100 }));
  listen(share, 'input', () => automatic.filter({ min_share: shareAt(share.valueAsNumber) }));
  listen(find('automatic-at-edge'), 'change', () => automatic.filter({ atEdge: find('automatic-at-edge').checked }));
  for (const slider of [iou, stability, share]) listen(slider, 'change', () => announce(automatic.countText));
  listen(panel, 'keydown', event => {
    if (event.key !== 'Escape' || !isWorking()) return;
    event.preventDefault();
    event.stopPropagation();
    endAutomatic();
  });
}
