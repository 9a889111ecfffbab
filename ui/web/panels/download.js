// The download dialog: the format of the export and its options. The server writes the file, the browser fetches it. Formats
// and the options that each takes come from the server's table.

/** @import { DoneEvent, ExportRequest } from '../protocol.js' */
/** @import { Task } from './download_tasks.js' */

/**
 * Options that are remembered. `tasks`: the task chosen last for an image, a clip and an album; `formats`: the format
 * chosen last by task and kind of medium.
 * @typedef {{ tasks: Record<string, Task>, formats: Record<string, string>, largest_side: number }
 *   & Record<Switch, boolean>} ExportOptions
 * @typedef {keyof typeof SWITCHES} Switch
 * @typedef {Required<Pick<DoneEvent, 'url' | 'name' | 'size'>>} ExportedFile
 */

import { currentEffects, currentPreset, usableEffects } from '../core/effects.js';
import { isClip, openMedium, playedRange } from '../core/media.js';
import { mount } from '../core/mount.js';
import { NO_CONNECTION, toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, address, find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { closeWith } from '../shared/dialogs.js';
import { icon, make, makeButton, setProgress, showText } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { linkTo } from '../shared/example_link.js';
import { sizeText, withPercent } from '../shared/format.js';
import { commas, plural, told, tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';
import { clamp, isPlain } from '../shared/values.js';
import { backdrops } from '../storage/backdrops.js';
import { effectThumbnails } from '../viewport/effect_thumbnails.js';
import { copyCutout, copyLink } from './clipboard.js';
import { effectsOf, formatsOf, presetsOf, TASKS, tasksFor, titleOf } from './download_tasks.js';
import { chooseEffects, choosePreset, openEffects } from './effects.js';

const downloadDialog = find('download-dialog');
const SETTING = 'masklet-download';
const SHOWN_FORMATS = 3; // of a task; the others are a click away
const SWITCHES = /** @type {const} */ ({
  cropped: [tr('Crop to the objects'), tr('Only the part that they ever take up')],
  side_by_side: [tr('Side by side'), tr('The source on the left')],
  polygons: [tr('Polygons'), tr('Outlines in place of run lengths')],
  pictures: [tr('With the pictures'), tr('The frames themselves go into the file, too')],
});
const SWITCH_NAMES = /** @type {Switch[]} */ (Object.keys(SWITCHES));
/** @type {Record<number, string>} */
const LARGEST_SIDES = { 0: tr('Original'), 1080: '1080 px', 720: '720 px', 480: '480 px' };

let exportTurn = 0; // number of the newest export: one that was cancelled before it was sent never is
/** @type {ExportedFile | null} */
let exported = null; // the newest one
const options = loadOptions();
let selection = wholeMedium();

/** Of the open medium: which frames, every n-th of them, and the objects that are left out. */
function wholeMedium() {
  return { frames: 'all', every: 1, excluded: /** @type {Set<number>} */ (new Set()) };
}

function loadOptions() {
  /** @type {ExportOptions} */
  const loaded = {
    tasks: {},
    formats: {},
    largest_side: 0,
    cropped: false,
    side_by_side: false,
    polygons: false,
    pictures: false,
  };
  try {
    const saved = JSON.parse(loadSetting(SETTING) ?? '');
    if (!isPlain(saved)) return loaded;
    for (const name of SWITCH_NAMES) loaded[name] = saved[name] === true;
    if (Object.hasOwn(LARGEST_SIDES, saved.largest_side)) loaded.largest_side = Number(saved.largest_side);
    if (isPlain(saved.tasks)) loaded.tasks = saved.tasks;
    if (isPlain(saved.formats)) loaded.formats = saved.formats;
  } catch {
    // nothing was saved, or something else
  }
  return loaded;
}

const takes = (/** @type {string} */ option) => about.kinds[chosenFormat()].takes.includes(option);

/** The task that was chosen last for such a medium, else an image or a video as the viewport shows it. */
function chosenTask() {
  const { kind } = openMedium();
  const last = options.tasks[kind];
  return tasksFor(kind).includes(last) ? last : 'picture';
}

const formatKey = () => `${chosenTask()} ${openMedium().kind}`;

function chosenFormat() {
  const available = formatsOf(chosenTask(), openMedium().kind);
  const last = options.formats[formatKey()];
  return available.includes(last) ? last : available[0];
}

// --- the form ---

/**
 * @param {Partial<HTMLInputElement>} properties
 * @param {string} title
 * @param {string} text
 * @param {(input: HTMLInputElement) => void} changed
 */
function choiceOf(properties, title, text, changed) {
  const label = make('label', 'mk-choice');
  const input = make('input');
  const caption = make('span', 'mk-choice-text');
  Object.assign(input, properties, { onchange: () => changed(input) });
  caption.append(make('b', '', title));
  if (text) caption.append(make('span', '', text));
  label.append(input, caption);
  return label;
}

/**
 * @param {string} title
 * @param {...HTMLElement} parts
 */
function fieldOf(title, ...parts) {
  const field = make('fieldset', 'mk-field');
  field.append(make('legend', '', title), ...parts);
  return field;
}

/** @param {Task} task */
function taskCard(task) {
  const { kind } = openMedium();
  const card = make('label', 'mk-task');
  const input = make('input');
  const picture = make('img');
  const checked = task === chosenTask();
  const onchange = () => {
    options.tasks[kind] = task;
    drawFormats();
    drawOptions();
  };
  Object.assign(input, { type: 'radio', name: 'mk-task', value: task, checked, onchange });
  picture.alt = '';
  Object.assign(card.dataset, { task, formats: formatsOf(task, kind).join(' ') });
  const badge = task === 'review' ? 'check' : task === 'picture' && isClip() ? 'play' : '';
  if (badge) card.append(icon(badge));
  card.append(input, picture, make('b', '', titleOf(task, kind)), ' ', make('span', '', TASKS[task].text));
  return card;
}

/** @param {string} name */
function formatCard(name) {
  const { title, text, endings } = about.kinds[name];
  const checked = name === chosenFormat();
  const card = choiceOf({ type: 'radio', name: 'mk-format', value: name, checked }, title, text, () => {
    options.formats[formatKey()] = name;
    drawOptions();
  });
  card.classList.add('mk-format');
  card.dataset.format = name;
  card.append(make('i', '', `.${endings[openMedium().kind]}`));
  return card;
}

function drawFormats() {
  const names = formatsOf(chosenTask(), openMedium().kind);
  const cards = names.map(formatCard);
  const others = cards.splice(SHOWN_FORMATS);
  const field = fieldOf(tr('Format'), ...cards);
  if (others.length) {
    const more = make('details', 'mk-other-formats');
    more.open = names.indexOf(chosenFormat()) >= SHOWN_FORMATS;
    more.append(make('summary', '', tr('Other formats')), ...others);
    field.append(more);
  }
  find('formats').replaceChildren(field);
}

/** Each task as a picture of what its file shows of the current frame. */
function drawThumbnails() {
  const slots = [...find('tasks').children].map(card => ({
    picture: /** @type {HTMLImageElement} */ (card.querySelector('img')),
    effects: effectsOf(/** @type {Task} */ (/** @type {HTMLElement} */ (card).dataset.task)),
  }));
  effectThumbnails.show(slots, chosenObjects());
}

/** The presets and, as long as the dialog is open, the user's own effects where they are no preset. */
function effectsField() {
  const line = make('div', 'mk-row mk-export-effects');
  const select = make('select');
  const presets = presetsOf(chosenTask());
  const own = state.effectStack;
  const effects = effectsOf(chosenTask());
  const isOwn = !currentPreset() && JSON.stringify(effects) === JSON.stringify(usableEffects());
  const chosen = presets.includes(currentPreset()) ? currentPreset() : isOwn ? '' : presets[0];
  const titled = effects.layers.map(({ effect }) => about.effects[effect].title);
  const titles = commas(titled);
  if (isOwn)
    select.append(new Option(tr('Your own: {effects}', { effects: titles || tr('No effect') }), '', false, true));
  select.append(...presets.map(name => new Option(told(name), name, false, name === chosen)));
  select.name = 'mk-export-effects';
  select.setAttribute('aria-label', tr('Look'));
  select.onchange = () => {
    if (select.value) choosePreset(select.value);
    else chooseEffects(own);
    drawThumbnails();
  };
  const change = makeButton('mk-link', tr('Change the effects'), () => {
    downloadDialog.close();
    openEffects(true);
  });
  line.append(select, change);
  return fieldOf(tr('Look'), line);
}

function objectsField() {
  const box = make('div', 'mk-export-objects');
  for (const id of objects.listed.filter(id => state.log.prompts.has(id))) {
    const { name, label, color } = objects.trait(id);
    const checked = !selection.excluded.has(id);
    const line = choiceOf({ type: 'checkbox', name: 'mk-object', value: `${id}`, checked }, name, label, input => {
      selection.excluded[input.checked ? 'delete' : 'add'](id);
      updateForm();
    });
    line.style.setProperty('--color', color);
    box.append(line);
  }
  return fieldOf(tr('Objects'), box);
}

function framesField() {
  const { frames: count } = openMedium();
  const { first, last } = playedRange();
  const clip = isClip();
  const range = state.range
    ? tr('Frames {first} to {last}', { first: first + 1, last: last + 1 })
    : tr('Set In and Out on the timeline first');
  const choices = [
    clip
      ? ['all', tr('Whole clip'), plural(count, '{n} frame', '{n} frames')]
      : ['all', tr('All photos'), plural(count, '{n} photo', '{n} photos')],
    ...(clip ? [['range', tr('In to out'), range]] : []),
    ['one', clip ? tr('This frame') : tr('This photo'), tr('Number {n}', { n: state.frame + 1 })],
  ];
  if (selection.frames === 'range' && !state.range) selection.frames = 'all';
  const lines = choices.map(([value, title, text]) => {
    const disabled = value === 'range' && !state.range;
    const checked = selection.frames === value;
    return choiceOf({ type: 'radio', name: 'mk-frames', value, checked, disabled }, title, text, () => {
      selection.frames = value;
    });
  });
  return fieldOf(clip ? tr('Frames') : tr('Photos'), ...lines, ...(clip ? [everyField(count)] : []));
}

/** @param {number} count of frames */
function everyField(count) {
  const line = make('label', 'mk-choice mk-every');
  const input = make('input');
  const value = `${selection.every}`;
  Object.assign(input, { type: 'number', name: 'mk-every', min: 1, max: count, step: 1, value, inputMode: 'numeric' });
  input.oninput = () => {
    selection.every = clamp(Math.round(Number(input.value)) || 1, 1, count);
  };
  input.onchange = () => {
    input.value = `${selection.every}`;
  };
  line.append(make('b', '', tr('Every n-th frame')), input);
  return line;
}

/** @param {Switch} name */
function switchField(name) {
  const [title, text] = SWITCHES[name];
  const checked = options[name];
  return choiceOf({ type: 'checkbox', name: `mk-${name}`, value: name, checked }, title, text, input => {
    options[name] = input.checked;
  });
}

function sideField() {
  const line = make('label', 'mk-choice mk-side-choice');
  const select = make('select');
  for (const [value, title] of Object.entries(LARGEST_SIDES))
    select.append(new Option(title, value, false, Number(value) === options.largest_side));
  select.name = 'mk-largest-side';
  select.onchange = () => {
    options.largest_side = Number(select.value);
  };
  line.append(make('b', '', tr('Longer side')), select);
  return line;
}

function drawOptions() {
  const more = [...SWITCH_NAMES.filter(takes).map(switchField), ...(takes('largest_side') ? [sideField()] : [])];
  find('options').replaceChildren(
    ...(takes('look') ? [effectsField()] : []),
    objectsField(),
    ...(openMedium().frames > 1 ? [framesField()] : []),
    ...(more.length ? [fieldOf(tr('Options'), ...more)] : []),
  );
  updateForm();
}

const chosenObjects = () => objects.known().filter(({ id }) => !selection.excluded.has(id));

function updateForm() {
  const isEmpty = !state.log.prompts.size;
  const none = !chosenObjects().length;
  find('download-empty').hidden = !isEmpty;
  find('export-parts').hidden = find('export-foot').hidden = isEmpty;
  find('copy-picture').hidden = chosenTask() !== 'cutout';
  find('copy-picture').disabled = none;
  find('download-go').disabled = state.exporting || none;
  find('download-go').title = none ? tr('Choose an object first') : '';
  if (downloadDialog.open) drawThumbnails();
}

export function openDownload() {
  if (downloadDialog.open || !state.medium || !find('progress-overlay').hidden) return;
  selection.excluded = new Set(objects.listed.filter(id => !objects.isVisible(id)));
  find('tasks').replaceChildren(...tasksFor(openMedium().kind).map(taskCard));
  find('share-link').hidden = !linkTo(location, state.source?.example);
  drawFormats();
  drawOptions();
  showExported();
  showProblem('');
  downloadDialog.showModal();
  drawThumbnails();
  /** @type {HTMLInputElement | null} */
  const chosen = find('tasks').querySelector('input:checked');
  (state.log.prompts.size && chosen ? chosen : find('download-close')).focus();
  find('formats').querySelector('.mk-format:has(:checked)')?.scrollIntoView({ block: 'nearest' });
}

// --- the export ---

function chosenFrames() {
  const last = openMedium().frames - 1;
  const every = isClip() ? selection.every : 1;
  if (selection.frames === 'one') return { first: state.frame, last: state.frame };
  return selection.frames === 'range' && state.range ? { ...state.range, every } : { first: 0, last, every };
}

const rejectedMasks = () => state.log.rejected.map(({ reject: frame, ...mask }) => ({ frame, ...mask }));

/** @returns {ExportRequest} */
function exportRequest() {
  const names = /** @type {const} */ ([...SWITCH_NAMES, 'largest_side']);
  const taken = Object.fromEntries(names.filter(takes).map(name => [name, options[name]]));
  const effects = takes('look') ? { effects: effectsOf(chosenTask()) } : {};
  const format = /** @type {ExportRequest['format']} */ (chosenFormat());
  const rejected = format === 'dataset' ? { rejected: rejectedMasks() } : {};
  return { t: 'export', format, objects: chosenObjects(), ...chosenFrames(), ...taken, ...effects, ...rejected };
}

async function startExport() {
  if (state.exporting || !chosenObjects().length) return;
  const request = exportRequest();
  const { version } = state;
  const turn = ++exportTurn;
  options.tasks[openMedium().kind] = chosenTask();
  options.formats[formatKey()] = request.format;
  saveSetting(SETTING, JSON.stringify(options));
  showProblem('');
  setExporting(true);
  try {
    if (request.effects) await backdrops.bring(currentEffects());
  } catch {
    // the server names the backdrop that it misses
  }
  if (!state.exporting || turn !== exportTurn || version !== state.version) return;
  if (connection.send(request)) return;
  setExporting(false);
  showProblem(NO_CONNECTION);
}

const showProblem = (/** @type {string} */ text) => showText(find('export-problem'), text);

/** @param {boolean} running */
function setExporting(running) {
  const hadFocus = find('export').contains(document.activeElement);
  update({ exporting: running });
  if (running) exported = null;
  find('export').hidden = !running;
  find('export-text').textContent = tr('Starting…');
  setProgress(find('progress', find('export')), null);
  if (!state.medium) return;
  updateForm();
  showExported();
  if (running && downloadDialog.open) find('export-cancel').focus();
  else if (hadFocus) find('download-go').focus();
}

/** @param {string} url */
export const exportAddress = url => address(url.split('/').map(encodeURIComponent).join('/'));

function showExported() {
  const done = find('export-done');
  done.replaceChildren();
  if (!exported) return undefined;
  const link = make('a', 'mk-link', exported.name);
  Object.assign(link, { href: exportAddress(exported.url), download: exported.name });
  done.append(link, ` · ${sizeText(exported.size)} · ${tr('ready')}`);
  return link;
}

async function copyPicture() {
  const { version } = state;
  showProblem('');
  try {
    const text = await copyCutout(chosenObjects());
    if (version === state.version) find('export-done').textContent = text;
  } catch (error) {
    if (version === state.version) showProblem(/** @type {Error} */ (error).message);
  }
}

export function setUpDownload() {
  on('server-progress', ({ job, fraction, message }) => {
    if (job !== 'export' || !state.exporting) return;
    setProgress(find('progress', find('export')), fraction);
    find('export-text').textContent = withPercent(message, fraction);
  });
  on('server-error', ({ job, text }) => {
    if (job !== 'export' || !state.exporting) return;
    backdrops.sent.clear(); // the server may have dropped one
    setExporting(false);
    showProblem(text);
  });
  on('server-done', ({ job, url = '', name = '', size = 0 }) => {
    if (job !== 'export' || !state.exporting) return;
    exported = { url, name, size };
    setExporting(false);
    showExported()?.click();
    if (!downloadDialog.open) toast(tr('{name} ({size}) is ready.', { name, size: sizeText(size) }), 'hint');
  });

  listen(find('download'), 'click', openDownload);
  listen(find('copy-picture'), 'click', copyPicture);
  listen(find('share-link'), 'click', async () => {
    find('export-done').textContent = await copyLink(linkTo(location, state.source?.example));
  });
  closeWith(downloadDialog, find('download-close'), { signal: mount.signal });
  listen(find('export-form'), 'submit', event => {
    event.preventDefault();
    startExport();
  });
  listen(find('export-cancel'), 'click', () => {
    connection.send({ t: 'cancel', job: 'export' });
    setExporting(false);
  });
  on('medium', () => {
    exported = null;
    selection = wholeMedium();
    setExporting(false);
    downloadDialog.close();
  });
}
