// The download dialog: which kind of file, and what of it. The server writes the file, the browser fetches it. Kinds come
// from the server's table; what a kind takes of the options below is said there, too.

import { currentLook, currentPreset, readyLook } from '../core/effects.js';
import { isClip, playedRange } from '../core/media.js';
import { mount } from '../core/mount.js';
import { toast } from '../core/notices.js';
import { objects } from '../core/objects.js';
import { about, address, find, listen } from '../core/page.js';
import { state, update } from '../core/store.js';
import { connection } from '../net/connection.js';
import { closeWith } from '../shared/dialogs.js';
import { make, setProgress } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { counted, percent, sizeText } from '../shared/format.js';
import { clamp, isPlain } from '../shared/values.js';
import { backdrops } from '../storage/backdrops.js';
import { choosePreset, openEffects, useLook } from './effects.js';

const downloadDialog = find('download-dialog');
const exportForm = find('order');
const optionList = find('options');
const GROUPS = { picture: 'Pictures & video', data: 'Data for other programs', review: 'Review' };
const SWITCHES = {
  cropped: ['Crop to the objects', 'Only the part that they ever take up'],
  side_by_side: ['Side by side', 'The source on the left'],
  polygons: ['Polygons', 'Outlines in place of run lengths'],
  pictures: ['With the pictures', 'The frames themselves go into the file, too'],
};
const LARGEST_SIDES = { 0: 'Original', 1080: '1080 px', 720: '720 px', 480: '480 px' };
const REMEMBERED = 'masklet-download';

let exportTurn = 0; // of what was ordered last: what was cancelled before it was sent never is
let exported = null; // {url, name, size} of what was written last
const exportOptions = rememberedOptions(); // {kinds: {image, clip, album}, …options}: what was chosen last
let part = { frames: 'all', every: 1, left: new Set() }; // of this medium; left: objects that are left out

function rememberedOptions() {
  const usual = { kinds: {}, largest_side: 0, ...Object.fromEntries(Object.keys(SWITCHES).map(name => [name, false])) };
  try {
    const kept = JSON.parse(localStorage.getItem(REMEMBERED));
    if (!isPlain(kept)) return usual;
    for (const name of Object.keys(SWITCHES)) usual[name] = kept[name] === true;
    if (Object.hasOwn(LARGEST_SIDES, kept.largest_side)) usual.largest_side = Number(kept.largest_side);
    return { ...usual, kinds: isPlain(kept.kinds) ? kept.kinds : {} };
  } catch {
    return usual; // storage may be forbidden
  }
}

function rememberOptions() {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(exportOptions));
  } catch {
    /* storage may be full or forbidden */
  }
}

const kindsHere = () => Object.keys(about.kinds).filter(name => state.medium.kind in about.kinds[name].endings);
const isTaken = name => about.kinds[chosenKind()].takes.includes(name);

// What was taken last of such a medium, else a picture or clip as the stage shows it.
function chosenKind() {
  const here = kindsHere();
  const last = exportOptions.kinds[state.medium.kind];
  return here.includes(last) ? last : (here.find(name => about.kinds[name].group === 'picture') ?? here[0]);
}

// --- what it shows ---

function choiceOf({ type, name, value, checked, disabled = false }, title, text = '', className = 'mk-choice') {
  const label = make('label', className);
  const input = make('input');
  const words = make('span', 'mk-choice-words');
  Object.assign(input, { type, name, value, checked, disabled });
  words.append(make('b', '', title));
  if (text) words.append(make('span', '', text));
  label.append(input, words);
  return [label, input];
}

function fieldOf(title, ...parts) {
  const field = make('fieldset', 'mk-field');
  field.append(make('legend', '', title), ...parts);
  return field;
}

function kindCard(name) {
  const { title, text, endings } = about.kinds[name];
  const chosen = name === chosenKind();
  const [card, input] = choiceOf(
    { type: 'radio', name: 'mk-kind', value: name, checked: chosen },
    title,
    text,
    'mk-choice mk-kind',
  );
  card.dataset.kind = name;
  card.append(make('i', '', `.${endings[state.medium.kind]}`));
  input.onchange = () => {
    exportOptions.kinds[state.medium.kind] = name;
    drawOptions();
  };
  return card;
}

function drawKinds() {
  const here = kindsHere();
  const groups = [...new Set([...Object.keys(GROUPS), ...here.map(name => about.kinds[name].group)])];
  const fields = groups
    .map(group => [group, here.filter(name => about.kinds[name].group === group)])
    .filter(([, names]) => names.length);
  find('kinds').replaceChildren(
    ...fields.map(([group, names]) => fieldOf(GROUPS[group] ?? group, ...names.map(kindCard))),
  );
}

// The presets, and the user's own look where it is none of them: as long as the list is here, one can come back to it.
function lookField() {
  const line = make('div', 'mk-row mk-order-look');
  const select = make('select');
  const change = make('button', 'mk-link', 'Change the effects');
  const preset = currentPreset();
  const made = state.effectStack;
  const titles = currentLook()
    .layers.map(({ effect }) => about.effects[effect].title)
    .join(', ');
  if (!preset) select.append(new Option(`Your own: ${titles || 'No effect'}`, '', false, true));
  select.append(...Object.keys(about.presets).map(name => new Option(name, name, false, name === preset)));
  select.name = 'mk-order-look';
  select.setAttribute('aria-label', 'Look');
  select.onchange = () => {
    if (select.value) choosePreset(select.value);
    else useLook(made);
  };
  change.type = 'button';
  change.onclick = () => {
    downloadDialog.close();
    openEffects(true);
  };
  line.append(select, change);
  return fieldOf('Look', line);
}

function objectsField() {
  const known = objects.listed.filter(id => state.log.prompts.has(id));
  const box = make('div', 'mk-order-objects');
  box.append(
    ...known.map(id => {
      const { name, label, color } = objects.trait(id);
      const [line, input] = choiceOf(
        { type: 'checkbox', name: 'mk-object', value: id, checked: !part.left.has(id) },
        name,
        label,
      );
      line.style.setProperty('--color', color);
      input.onchange = () => {
        part.left[input.checked ? 'delete' : 'add'](id);
        updateGo();
      };
      return line;
    }),
  );
  return fieldOf('Objects', box);
}

function framesField() {
  const { first, last } = playedRange();
  const whole = isClip() ? 'Whole clip' : 'All photos';
  const one = isClip() ? 'This frame' : 'This photo';
  if (part.frames === 'range' && !state.range) part.frames = 'all';
  const words = {
    all: [whole, counted(state.medium.frames, isClip() ? 'frame' : 'photo')],
    one: [one, `Number ${state.frame + 1}`],
    range: ['In to out', state.range ? `Frames ${first + 1} to ${last + 1}` : 'Set In and Out on the timeline first'],
  };
  const choices = (isClip() ? ['all', 'range', 'one'] : ['all', 'one']).map(value => {
    const disabled = value === 'range' && !state.range;
    const checked = part.frames === value;
    const [line, input] = choiceOf({ type: 'radio', name: 'mk-frames', value, checked, disabled }, ...words[value]);
    input.onchange = () => {
      part.frames = value;
    };
    return line;
  });
  return fieldOf(isClip() ? 'Frames' : 'Photos', ...choices, ...(isClip() ? [everyField()] : []));
}

function everyField() {
  const line = make('label', 'mk-choice mk-every');
  const input = make('input');
  Object.assign(input, {
    type: 'number',
    name: 'mk-every',
    min: 1,
    max: state.medium.frames,
    step: 1,
    value: part.every,
    inputMode: 'numeric',
  });
  input.oninput = () => {
    part.every = clamp(Math.round(Number(input.value)) || 1, 1, state.medium.frames);
  };
  input.onchange = () => {
    input.value = part.every;
  };
  line.append(make('b', '', 'Every n-th frame'), input);
  return line;
}

function switchesField() {
  return Object.entries(SWITCHES)
    .filter(([name]) => isTaken(name))
    .map(([name, words]) => {
      const [line, input] = choiceOf(
        { type: 'checkbox', name: `mk-${name}`, value: name, checked: exportOptions[name] },
        ...words,
      );
      input.onchange = () => {
        exportOptions[name] = input.checked;
      };
      return line;
    });
}

function sideField() {
  const line = make('label', 'mk-choice mk-side-choice');
  const select = make('select');
  for (const [value, title] of Object.entries(LARGEST_SIDES))
    select.append(new Option(title, value, false, Number(value) === exportOptions.largest_side));
  select.name = 'mk-largest-side';
  select.onchange = () => {
    exportOptions.largest_side = Number(select.value);
  };
  line.append(make('b', '', 'Longer side'), select);
  return line;
}

function drawOptions() {
  const more = [...switchesField(), ...(isTaken('largest_side') ? [sideField()] : [])];
  optionList.replaceChildren(
    ...[
      isTaken('look') && lookField(),
      objectsField(),
      state.medium.frames > 1 && framesField(),
      more.length && fieldOf('Options', ...more),
    ].filter(Boolean),
  );
  updateGo();
}

const chosenObjects = () => objects.known().filter(({ id }) => !part.left.has(id));

function updateGo() {
  const isEmpty = !state.log.prompts.size;
  const none = !chosenObjects().length;
  find('download-empty').hidden = !isEmpty;
  find('order-parts').hidden = find('order-foot').hidden = isEmpty;
  find('download-go').disabled = state.exporting || none;
  find('download-go').title = none ? 'Choose an object first' : '';
}

export function openDownload() {
  if (downloadDialog.open || !state.medium || !find('veil').hidden) return;
  part.left = new Set(objects.listed.filter(id => !objects.isVisible(id)));
  drawKinds();
  drawOptions();
  showExported();
  tellProblem('');
  downloadDialog.showModal();
  (find('kinds').querySelector('input:checked') ?? find('download-close')).focus();
  find('kinds').querySelector('.mk-kind:has(input:checked)')?.scrollIntoView({ block: 'nearest' });
}

// --- what is ordered ---

function chosenFrames() {
  const last = state.medium.frames - 1;
  const every = isClip() ? part.every : 1;
  if (part.frames === 'one') return { first: state.frame, last: state.frame };
  return part.frames === 'range' && state.range ? { ...state.range, every } : { first: 0, last, every };
}

function exportMessage() {
  const names = [...Object.keys(SWITCHES), 'largest_side'].filter(isTaken);
  const options = Object.fromEntries(names.map(name => [name, exportOptions[name]]));
  const effects = isTaken('look') ? { effects: readyLook() } : {};
  return { t: 'export', format: chosenKind(), objects: chosenObjects(), ...chosenFrames(), ...options, ...effects };
}

async function startExport() {
  if (state.exporting || !chosenObjects().length) return;
  const message = exportMessage();
  const { version } = state;
  const turn = ++exportTurn;
  exportOptions.kinds[state.medium.kind] = message.format;
  rememberOptions();
  tellProblem('');
  setExporting(true);
  try {
    if (message.effects) await backdrops.bring(message.effects);
  } catch {
    /* the server says what it misses */
  }
  if (!state.exporting || turn !== exportTurn || version !== state.version) return;
  if (connection.send(message)) return;
  setExporting(false);
  tellProblem('There is no connection right now. Try again in a moment.');
}

function tellProblem(text) {
  find('export-problem').textContent = text;
  find('export-problem').hidden = !text;
}

function setExporting(running) {
  const hadFocus = find('export').contains(document.activeElement);
  update({ exporting: running });
  if (running) exported = null;
  find('export').hidden = !running;
  find('export-text').textContent = 'Starting…';
  setProgress(find('progress', find('export')), null);
  if (!state.medium) return;
  updateGo();
  showExported();
  if (running && downloadDialog.open) find('export-cancel').focus();
  else if (hadFocus) find('download-go').focus();
}

export const exportAddress = ({ url }) => address(url.split('/').map(encodeURIComponent).join('/'));

function showExported() {
  const done = find('export-done');
  done.replaceChildren();
  if (!exported) return;
  const link = make('a', 'mk-link', exported.name);
  Object.assign(link, { href: exportAddress(exported), download: exported.name });
  done.append(link, ` · ${sizeText(exported.size)} · ready`);
}

export function setUpDownload() {
  on('server-progress', message => {
    if (message.job !== 'export' || !state.exporting) return;
    setProgress(find('progress', find('export')), message.fraction);
    find('export-text').textContent = `${message.message}${percent(message.fraction)}`;
  });
  on('server-error', message => {
    if (message.job !== 'export' || !state.exporting) return;
    backdrops.sent.clear(); // one may have had to make room for others
    setExporting(false);
    tellProblem(message.text);
  });
  on('server-done', message => {
    if (message.job !== 'export' || !state.exporting) return;
    exported = message;
    setExporting(false);
    find('export-done').querySelector('a').click();
    if (!downloadDialog.open) toast(`${message.name} (${sizeText(message.size)}) is ready.`, 'hint');
  });

  listen(find('download'), 'click', openDownload);
  closeWith(downloadDialog, find('download-close'), { signal: mount.signal });
  listen(exportForm, 'submit', event => {
    event.preventDefault();
    startExport();
  });
  listen(find('export-cancel'), 'click', () => {
    connection.send({ t: 'cancel', job: 'export' });
    setExporting(false);
  });
  on('medium', () => {
    exported = null;
    part = { frames: 'all', every: 1, left: new Set() };
    setExporting(false);
    if (downloadDialog.open) downloadDialog.close();
  });
}
