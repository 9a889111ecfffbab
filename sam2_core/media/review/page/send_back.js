// Sending back: a small JSON file to download, or the same as text in the clipboard. Nothing is sent by the page itself.

import { closeWith } from '../../../../ui/web/shared/dialogs.js';
import { make } from '../../../../ui/web/shared/elements.js';
import { closeEditor } from './note_editor.js';
import { about, counted, find, listen, medium, update } from './page.js';
import { pause } from './player.js';
import { MAX_NAME_LENGTH, review, save, verdictOf } from './saved.js';

const sendDialog = find('send-dialog');
const sendName = find('send-name');
const reviewerName = find('reviewer-name');

function reviewText() {
  return JSON.stringify(
    {
      format: 'masklet-review',
      version: 1,
      review: about.review,
      medium,
      reviewer: review.reviewer,
      verdicts: review.verdicts,
      notes: review.notes,
    },
    null,
    1,
  );
}

/** @param {string} text */
const stemOf = text =>
  text
    .replace(/\.[^.]*$/, '')
    .replace(/[^\p{L}\p{N}_-]+/gu, '_')
    .replace(/^_+|_+$/g, '');

function reviewName() {
  const parts = [stemOf(medium.name), 'review', stemOf(`${review.reviewer}.`)].filter(Boolean);
  return `${parts.join('_').slice(0, 100)}.json`;
}

function summary() {
  const given = about.objects.map(({ id }) => verdictOf(id).verdict);
  /** @param {ReviewVerdict} verdict */
  const count = verdict => given.filter(each => each === verdict).length;
  const open = count('');
  const words = [];
  if (count('approved')) words.push(`${count('approved')} approved`);
  if (count('needs_work')) words.push(`${counted(count('needs_work'), 'object')} to be worked on`);
  if (review.notes.length) words.push(counted(review.notes.length, 'note'));
  if (!words.length) return 'Nothing is said yet: pin a note to the picture, or give an object a verdict.';
  return `${words.join(', ')}.${open ? ` ${counted(open, 'object')} without a verdict.` : ''}`;
}

function openSendDialog() {
  closeEditor();
  pause();
  find('send-summary').textContent = summary();
  find('send-text').hidden = true;
  sendName.value = review.reviewer;
  sendDialog.showModal();
}

function download() {
  const url = URL.createObjectURL(new Blob([reviewText()], { type: 'application/json' }));
  const link = make('a');
  Object.assign(link, { href: url, download: reviewName() });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  update({ sent: true });
  find('send-status').textContent = `${reviewName()} is saved. Return it to whoever sent you this page.`;
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
      find('send-status').textContent = 'Copy the text below and return it to whoever sent you this page.';
      return;
    }
  }
  update({ sent: true });
  find('send-status').textContent = 'Copied. Paste it into a file that ends in .json, or into a message.';
}

/** @param {string} name */
function setReviewer(name) {
  review.reviewer = name.trim().slice(0, MAX_NAME_LENGTH);
  reviewerName.value = name;
  save();
}

export function setUpSendBack() {
  reviewerName.value = review.reviewer;
  listen(reviewerName, 'input', () => setReviewer(reviewerName.value));
  listen(sendName, 'input', () => setReviewer(sendName.value));
  listen(find('send-open'), 'click', openSendDialog);
  listen(find('send-download'), 'click', download);
  listen(find('send-copy'), 'click', copyText);
  closeWith(sendDialog, find('send-close'));
}
