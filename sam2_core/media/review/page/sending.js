// Sending back: a small JSON file to download, or the same as text in the clipboard. Nothing is sent by the page itself.

const sendDialog = find('send-dialog'), sendName = find('send-name'), reviewerName = find('reviewer-name');

function reviewText() {
  return JSON.stringify({
    format: 'masklet-review', version: 1, review: about.review, medium, reviewer: said.reviewer,
    verdicts: said.verdicts, notes: said.notes,
  }, null, 1);
}

const stemOf = text => text.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}_-]+/gu, '_').replace(/^_+|_+$/g, '');

function reviewName() {
  const parts = [stemOf(medium.name), 'review', stemOf(`${said.reviewer}.`)].filter(Boolean);
  return `${parts.join('_').slice(0, 100)}.json`;
}

function summary() {
  const given = about.objects.map(({ id }) => verdictOf(id).verdict);
  const count = verdict => given.filter(each => each === verdict).length;
  const open = count(''), words = [];
  if (count('approved')) words.push(`${count('approved')} approved`);
  if (count('needs_work')) words.push(`${counted(count('needs_work'), 'object')} to be worked on`);
  if (said.notes.length) words.push(counted(said.notes.length, 'note'));
  if (!words.length) return 'Nothing is said yet: pin a note to the picture, or give an object a verdict.';
  return `${words.join(', ')}.${open ? ` ${counted(open, 'object')} without a verdict.` : ''}`;
}

function openSending() {
  closeEditor();
  pause();
  find('send-summary').textContent = summary();
  find('send-text').hidden = true;
  sendName.value = said.reviewer;
  sendDialog.showModal();
}

function download() {
  const url = URL.createObjectURL(new Blob([reviewText()], { type: 'application/json' })), link = make('a');
  Object.assign(link, { href: url, download: reviewName() });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  sent = true;
  find('send-said').textContent = `${reviewName()} is saved. Return it to whoever sent you this page.`;
}

// Where the clipboard is not to be had, the text is there to be copied by hand.
async function copyText() {
  const field = find('send-text');
  field.value = reviewText();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.hidden = false;
    field.select();
    if (!document.execCommand('copy')) {
      find('send-said').textContent = 'Copy the text below and return it to whoever sent you this page.';
      return;
    }
  }
  sent = true;
  find('send-said').textContent = 'Copied. Paste it into a file that ends in .json, or into a message.';
}

function setReviewer(name) {
  said.reviewer = name.trim().slice(0, NAME_LENGTH);
  reviewerName.value = name;
  keep();
}

reviewerName.value = said.reviewer;
on(reviewerName, 'input', () => setReviewer(reviewerName.value));
on(sendName, 'input', () => setReviewer(sendName.value));
on(find('send-open'), 'click', openSending);
on(find('send-download'), 'click', download);
on(find('send-copy'), 'click', copyText);
closes(sendDialog, find('send-close'));
