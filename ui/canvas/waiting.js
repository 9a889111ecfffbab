// Why nothing comes: what a wish of ours waits for, as the server tells it while it is busy.

const LINGERS = 1200;            // milliseconds; of two waits in a row one is shown, not a flicker
let waitingTimer = 0;

function waitingText({ waiting, seconds }) {
  if (!waiting && (!seconds || state.tracking)) return '';   // tracking shows its own pace
  const who = waiting ? `${waiting} ${waiting === 1 ? 'other is' : 'others are'} before you` : 'Working on it';
  return seconds >= 1 ? `${who} · about ${duration(seconds)}` : who;
}

function showWaiting(text) {
  clearTimeout(waitingTimer);
  if (text && !state.waiting) announce(text);
  state.waiting = text;
  find('waiting').textContent = text;
  find('waiting').hidden = !text;
  root.classList.toggle('mk-waits', !!text);
  updateStatus();
}

when('server-load', message => {
  const text = waitingText(message);
  if (text) return showWaiting(text);
  clearTimeout(waitingTimer);
  waitingTimer = setTimeout(() => showWaiting(''), LINGERS);
});
when('line', status => { if (status !== 'on' && state.waiting) showWaiting(''); });
