// Pictures that stand behind the objects. The server calls them after their content, so a look finds its picture again on
// any server that is sent it; they are kept in this browser for that.

import { backdropsOf } from '../core/effects.js';
import { toast } from '../core/notices.js';
import { about, address } from '../core/page.js';
import { state } from '../core/store.js';
import { Refused, refusalOf } from '../net/refusal.js';
import { megabytes } from '../shared/format.js';
import { database } from './database.js';

export const keyOfBackdrop = name => `backdrop ${name}`;
const backdropFiles = new Map(); // name -> the file, of this page load

export const backdrops = {
  sent: new Set(), // `token name` of what the server has

  async send(file) {
    const answer = await fetch(address('backdrop'), { method: 'POST', body: file });
    if (!answer.ok) throw await refusalOf(answer);
    const { name } = await answer.json();
    backdropFiles.set(name, file);
    this.sent.add(`${state.token} ${name}`);
    return name;
  },

  // Sends what a look names and the server does not have yet, as far as this browser has it.
  async bring(look) {
    for (const name of backdropsOf(look).filter(each => !this.sent.has(`${state.token} ${each}`))) {
      const file = await this.file(name);
      if (file) await this.send(file);
    }
  },

  async file(name) {
    return backdropFiles.get(name) ?? (await database.files([keyOfBackdrop(name)]))?.[0];
  },
};

// A file that the user has chosen; its name, or undefined.
export async function takeBackdrop(file) {
  if (!file) return undefined;
  if (file.size > about.max_upload_mb * 1e6) {
    return void toast(
      `“${file.name}” has ${megabytes(file.size)}; up to ${about.max_upload_mb} MB fit. Choose a smaller one.`,
    );
  }
  try {
    const name = await backdrops.send(file);
    database.putFile(keyOfBackdrop(name), file);
    return name;
  } catch (error) {
    return void toast(
      error instanceof Refused ? error.message : 'The picture could not be sent. Check the connection and try again.',
    );
  }
}
