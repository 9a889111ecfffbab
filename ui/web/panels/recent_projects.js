// Saved projects on the start screen.

import { announce } from '../core/notices.js';
import { find } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { state, update } from '../core/store.js';
import { iconButton, make } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { ago, counted } from '../shared/format.js';
import { allWritten, flushSave, loadFromTab, STORAGE_KEY } from '../storage/autosave.js';
import { database } from '../storage/database.js';
import { openRecent } from '../storage/restore.js';

const MAX_RECENT = 6;

function recentCard(record) {
  const card = make('li', 'mk-kept-card');
  const open = make('button', 'mk-kept-open');
  const isOpen = record.id === state.project?.id;
  open.type = 'button';
  if (record.thumbnail) {
    const picture = make('img');
    Object.assign(picture, { alt: '', src: URL.createObjectURL(record.thumbnail) });
    picture.onload = () => URL.revokeObjectURL(picture.src);
    open.append(picture);
  }
  const words = make('span', 'mk-kept-words');
  const facts = `${counted(record.objects, 'object')} · ${isOpen ? 'open now' : ago(record.at)}`;
  words.append(make('b', '', record.medium.name), make('span', '', facts));
  open.append(words);
  open.onclick = () => (isOpen ? setScreen('work') : openRecent(record.id));
  const forget = iconButton('close', `Forget ${record.medium.name}: remove it from this browser`, 'mk-kept-forget');
  forget.onclick = () => forgetProject(record);
  card.append(open, forget);
  return card;
}

async function showRecent() {
  flushSave();
  await allWritten();
  const records = ((await database.list()) ?? []).slice(0, MAX_RECENT);
  find('kept').hidden = !records.length;
  find('kept-list').replaceChildren(...records.map(recentCard));
}

// What is open stays open, but nothing of it is kept any more.
async function forgetProject(record) {
  if (record.id === state.project?.id) update({ project: null });
  if (loadFromTab()?.id === record.id) sessionStorage.removeItem(STORAGE_KEY);
  await allWritten();
  await database.forget(record.id);
  announce(`${record.medium.name} is forgotten`);
  await showRecent();
  (find('kept-list').querySelector('button') ?? find('choose')).focus();
}

export function setUpRecentProjects() {
  on('screen', name => {
    if (name === 'start') showRecent();
  });
  showRecent();
}
