// Backdrops: pictures behind the objects. The server names them after their content, so effects find their backdrop again
// on any server; the files are saved in this browser for that.

import { backdropsOf } from '../core/effects.js';
import { toast } from '../core/notices.js';
import { about, address } from '../core/page.js';
import { state } from '../core/store.js';
import { Refused, refusalOf } from '../net/refusal.js';
import { megabytes } from '../shared/format.js';
import { tr } from '../shared/language.js';
import { database } from './database.js';

/** @param {string} name */
export const keyOfBackdrop = name => `backdrop ${name}`;
/** @type {Map<string, File>} name -> file, of this page load */
const backdropFiles = new Map();

export const backdrops = {
  /** @type {Set<string>} "token name" of those that the server has */
  sent: new Set(),

  /**
   * Sends a picture. Returns its name; throws `Refused`.
   * @param {File} file
   * @returns {Promise<string>}
   */
  async send(file) {
    const response = await fetch(address('backdrop'), { method: 'POST', body: file });
    if (!response.ok) throw await refusalOf(response, file.size);
    const { name } = await response.json();
    backdropFiles.set(name, file);
    this.sent.add(`${state.token} ${name}`);
    return name;
  },

  /**
   * Sends the backdrops that the effects need and the server does not have yet, as far as this browser has them.
   * @param {EffectStack} effects
   */
  async bring(effects) {
    for (const name of backdropsOf(effects).filter(each => !this.sent.has(`${state.token} ${each}`))) {
      const file = await this.file(name);
      if (file) await this.send(file);
    }
  },

  /** @param {string} name */
  async file(name) {
    return backdropFiles.get(name) ?? (await database.files([keyOfBackdrop(name)]))?.[0];
  },
};

/**
 * Sends and saves a file that the user has chosen. Returns its name; undefined where it could not be used, with a toast.
 * @param {File} [file]
 */
export async function takeBackdrop(file) {
  if (!file) return undefined;
  if (file.size > about.max_upload_mb * 1e6) {
    const sizes = { name: file.name, size: megabytes(file.size), most: about.max_upload_mb };
    return void toast(tr('“{name}” has {size}; up to {most} MB fit. Choose a smaller one.', sizes));
  }
  try {
    const name = await backdrops.send(file);
    database.putFile(keyOfBackdrop(name), file);
    return name;
  } catch (error) {
    const failed = tr('The picture could not be sent. Check the connection and try again.');
    return void toast(error instanceof Refused ? error.message : failed);
  }
}
