// The sound of the clip while it plays. What is heard sets the pace: the picture follows it, so that nothing has to be skipped.

import { openMedium } from '../core/media.js';
import { mount } from '../core/mount.js';
import { toast } from '../core/notices.js';
import { address, find, listen } from '../core/page.js';
import { state } from '../core/store.js';
import { setIcon } from '../shared/elements.js';
import { on } from '../shared/events.js';
import { tr } from '../shared/language.js';
import { loadSetting, saveSetting } from '../shared/settings.js';

const SETTING = 'masklet-muted';
const MAX_DRIFT = 0.12; // seconds between sound and picture; more is made good in the sound

const audio = new Audio();
audio.preload = 'auto';
let loaded = 0; // version of the medium whose sound it has
let isBroken = false; // the sound of this medium cannot be played

const hasSound = () => !!state.medium?.has_sound && !isBroken;

/** @param {boolean} muted */
function setMuted(muted) {
  audio.muted = muted;
  const button = find('mute');
  const label = muted ? tr('Sound on') : tr('Mute');
  setIcon(button, muted ? 'muted' : 'sound');
  button.setAttribute('aria-label', label);
  button.title = label;
}

function fail() {
  if (!loaded || isBroken) return;
  isBroken = true;
  find('mute').hidden = true;
  toast(tr('The sound of this clip cannot be played here. Downloads keep it.'), 'hint');
}

async function start() {
  try {
    await audio.play();
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || audio.muted) return;
    setMuted(true); // what is silent may play
    start();
  }
}

export const sound = {
  /** @param {number} time of the clip, in seconds */
  play(time) {
    if (!hasSound()) return;
    if (loaded !== state.version) {
      loaded = state.version;
      audio.src = address(`sound?v=${state.version}`);
    }
    audio.currentTime = time;
    start();
  },

  pause() {
    audio.pause();
  },

  /**
   * What the picture is to show: the time of what is heard, or that of the clock where nothing is.
   * @param {number} time by the clock of playback, in seconds of the clip
   */
  timeAt(time) {
    if (!hasSound() || audio.paused || audio.seeking || audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA)
      return time;
    if (Math.abs(audio.currentTime - time) <= MAX_DRIFT) return audio.currentTime;
    if (time < audio.duration) audio.currentTime = time;
    return time;
  },
};

export function setUpSound() {
  setMuted(loadSetting(SETTING) === '1');
  listen(find('mute'), 'click', () => {
    setMuted(!audio.muted);
    saveSetting(SETTING, audio.muted ? '1' : '0');
  });
  listen(audio, 'error', fail);
  listen(mount.signal, 'abort', () => audio.pause());
  on('medium', () => {
    isBroken = false;
    loaded = 0;
    audio.pause();
    audio.removeAttribute('src');
    find('mute').hidden = !state.medium || !openMedium().has_sound;
  });
}
