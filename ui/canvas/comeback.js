// Bringing work back: the server has never heard of it, or has forgotten it. Its medium is opened again, then the server
// is told the journal and does everything again, tracking included.

let wanted = null;               // the work whose file the user is asked for
let telling = null;              // the journal message that the server works on

const FACTS = ['kind', 'frames', 'height', 'width', 'sizes'];
const agrees = (one, other) => FACTS.every(name => JSON.stringify(one[name]) === JSON.stringify(other[name]));

function describeMedium({ kind, name, frames: count, height, width, names }) {
  if (kind === 'album') return `the ${counted(count, 'photo')} “${names[0]}” to “${names[count - 1]}”`;
  return `“${name}” (${width} × ${height}${kind === 'clip' ? `, ${counted(count, 'frame')}` : ''})`;
}

// `back` is a snapshot with the id it is kept under; its file is at hand, on the shelf, an example, or with the user.
async function bringBack(back) {
  const files = filesOf(back.source).length ? filesOf(back.source) : await shelf.files(back.fileKeys ?? []);
  const example = about.examples.find(each => each.name === back.example);
  if (files) openFiles(files, back);
  else if (example) openExample(example, back);
  else askForFile(back);
}

async function goOnWith(id) {
  keep();
  await writing;
  const record = await shelf.claim(id);
  if (record) bringBack(record);
  else toast('This work is not in this browser any more.');
}

const fileDialog = find('file-dialog');

function askForFile(back) {
  veil('');
  find('file-wanted').textContent = describeMedium(back.medium);
  wanted = back;
  if (!fileDialog.open) fileDialog.showModal();
}

on(find('file-choose'), 'click', () => find('picker').click());
on(find('file-cancel'), 'click', () => fileDialog.close());
on(fileDialog, 'close', () => {
  wanted = null;
  if (!state.opening) tell('unopened');
});

// The medium did not come: nothing changes, and what the server forgot can be tried again.
when('unopened', () => {
  if (state.reopening) offerToGoOn();
});

// --- once the medium is there ---

// Makes the page show a work; its masks are still to come.
function adopt(back) {
  ended(true);
  journal = new Journal(back.journal);
  objects.clear();
  objects.look = back.look;
  effects.made = saneLook(back.effects);
  state.active = back.active;
  beginWork(back.id, back.fileKeys);
  state.range = back.range ?? null;
  reviews = back.reviews ?? [];
}

// Puts all that the journal says in place of what the server knows. Waits for the model and for a connection. Quietly:
// nothing was lost, the server only has more photos now.
function tellJournal(quietly = false) {
  const entries = journal.told;
  if (!entries.length) return;
  masks.clear(state.medium.frames);
  line.forgetAll();
  telling = { t: 'journal', entries, quietly };
  if (!quietly) veil('Bringing your work back', null, state.ready ? 'Starting…' : 'Waiting for the model…', giveUpTracking);
  line.ask(telling);
}

// Many prompts and forgets at once, beside what the server knows already; `back` takes them back where they are given up.
function tellMore(entries, title, back) {
  const question = { t: 'journal', entries, more: true, title, back };
  telling = question;
  if (entries.some(entry => entry.prompt)) veil(title, null, state.ready ? 'Starting…' : 'Waiting for the model…', giveUpMore);
  line.ask(question);
}

function giveUpMore() {
  const question = telling, isWaiting = line.waiting.includes(question);
  if (!isWaiting) {
    line.say({ t: 'cancel', job: 'replay' });
    return veil(question?.title ?? 'Stopping', null, 'Stopping…');
  }
  line.waiting = line.waiting.filter(other => other !== question);
  failed(question);
}

function failed(question) {
  veil('');
  telling = null;
  question?.back?.();
}

function giveUpTracking() {
  if (telling) telling.entries = telling.entries.filter(entry => !entry.track);   // it may not have been sent yet
  line.say({ t: 'cancel', job: 'replay' });
  veil('Bringing your clicks back', null, 'Stopping…');
}

when('server-progress', message => {
  if (message.job !== 'replay' || telling?.quietly || (telling?.more && find('veil').hidden)) return;
  const giveUp = telling?.more ? giveUpMore : giveUpTracking;
  veil(telling?.title ?? 'Bringing your work back', message.fraction, message.message, giveUp);
});

when('server-done', message => {
  if (message.job !== 'replay' || (message.seq !== undefined && !message.question)) return;
  if (message.question?.more && message.stopped) return failed(message.question);
  veil('');
  telling = null;
  masks.asked.clear();
  masks.answers.clear();         // a new session counts its revisions anew
  askForMasks();
  if (message.stopped) toast('Your clicks are back. Track again for the masks of the other frames.', 'hint');
  else if (message.question && !message.question.quietly && !message.question.more) toast('Your work is back.', 'hint');
});
when('server-error', message => { if (message.job === 'replay') failed(message.question); });
when('server-journal', () => line.say({ t: 'journal', entries: journal.told }));

// --- the server has forgotten us while the page was open ---

const currentWork = () => ({ ...snapshot(), source: state.source, id: work?.id, fileKeys: work?.fileKeys });

function offerToGoOn() {
  banner('Your session has expired. Your work is still here.', 'Start again', recover);
}

function recover() {
  state.reopening = true;
  if (line.status === 'on') return bringBack(currentWork());
  banner('Starting again…');
  trigger('renew', {});
}

// What was lost with a connection comes back by itself; whoever was sent away for being idle may not want to.
function recoverOrOffer(sentAway) {
  if (sentAway) return offerToGoOn();
  if (!document.hidden) return recover();
  offerToGoOn();
  on(document, 'visibilitychange', () => { if (line.status === 'gone' && !state.reopening) recover(); }, { once: true });
}
