// Saved projects on the start screen.

import { announce } from '../core/notices.js';
import { find } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { state, update } from '../core/store.js';
import { iconButton, make, makeButton, showName } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { ago } from '../shared/format.js';
import { plural, tr } from '../shared/language.js';
import { allWritten, flushSave, loadFromTab, STORAGE_KEY } from '../storage/autosave.js';
import { database } from '../storage/database.js';
import { openRecent } from '../storage/project_restore.js';

const MAX_RECENT = 6;

/** @param {ProjectRecord} record */
function recentCard(record) {
  const card = make('li', 'mk-recent-card');
  const isOpen = () => record.id === state.project?.id; // the card may be older than what is open
  const open = makeButton('mk-recent-open', '', () => (isOpen() ? setScreen('work') : openRecent(record.id)));
  if (record.thumbnail) {
    const picture = make('img');
    Object.assign(picture, { alt: '', src: URL.createObjectURL(record.thumbnail) });
    picture.onload = () => URL.revokeObjectURL(picture.src);
    open.append(picture);
  }
  const text = make('span', 'mk-recent-text');
  const facts = `${plural(record.objects, '{n} object', '{n} objects')} · ${isOpen() ? tr('open now') : ago(record.at)}`;
  const name = make('b');
  showName(name, record.medium.name);
  text.append(name, make('span', '', facts));
  open.append(text);
  const remove = iconButton(
    'close',
    tr('Forget {name}: remove it from this browser', { name: record.medium.name }),
    'mk-recent-remove',
  );
  remove.onclick = () => removeProject(record);
  card.append(open, remove);
  return card;
}

async function showRecent() {
  flushSave();
  await allWritten();
  /** @type {ProjectRecord[]} */
  const records = ((await database.list()) ?? []).slice(0, MAX_RECENT);
  find('recent').hidden = !records.length;
  find('recent-list').replaceChildren(...records.map(recentCard));
}

/**
 * Removes a project from the browser. One that is open stays open, but is not saved any more.
 * @param {ProjectRecord} record
 */
async function removeProject(record) {
  if (record.id === state.project?.id) update({ project: null });
  if (loadFromTab()?.id === record.id) sessionStorage.removeItem(STORAGE_KEY);
  await allWritten();
  await database.forget(record.id);
  announce(tr('{name} is forgotten', { name: record.medium.name }));
  await showRecent();
  (find('recent-list').querySelector('button') ?? find('choose')).focus();
}

export function setUpRecentProjects() {
  on('screen', name => {
    if (name === 'start') showRecent();
  });
  showRecent();
}
