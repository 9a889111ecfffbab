// Showing another medium.

import { hasTimeline } from '../core/media.js';
import { showProgress } from '../core/notices.js';
import { find, root } from '../core/page.js';
import { setScreen } from '../core/screen.js';
import { update } from '../core/store.js';
import { showName } from '../shared/elements.js';
import { dimensions } from '../shared/format.js';
import { plural, tr } from '../shared/language.js';
import { frames } from '../viewport/frames.js';
import { masks } from '../viewport/masks.js';
import { clearViewport, viewport } from '../viewport/viewport.js';

/**
 * @param {Medium} medium
 * @param {number} version
 */
export function setMedium(medium, version) {
  update({ medium, version, frame: 0 });
  frames.clear();
  masks.clear(medium.frames);
  clearViewport();
  find('file').hidden = false;
  showName(find('file-name'), medium.name);
  const size = dimensions(medium);
  const facts = [size, plural(medium.frames, '{n} frame', '{n} frames'), tr('{n} fps', { n: +medium.fps.toFixed(2) })];
  find('file-facts').textContent = hasTimeline() ? facts.join(' · ') : size;
  root.classList.toggle('mk-has-clip', hasTimeline());
  viewport.style.setProperty('--ratio', `${medium.width / medium.height}`);
  setScreen('work');
  showProgress('');
}
