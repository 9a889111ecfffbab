// Times, sizes and shares in words.

import { isolated, locale, number, plural, tr } from './language.js';

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds % 1) * 100)).padStart(2, '0')}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  return seconds < 90
    ? tr('{n} s', { n: Math.max(1, Math.round(seconds)) })
    : tr('{n} min', { n: Math.round(seconds / 60) });
}

/** @param {number} time milliseconds since 1970 */
export function ago(time) {
  const minutes = Math.round((Date.now() - time) / 60000);
  if (minutes < 1) return tr('just now');
  if (minutes < 60) return tr('{n} min ago', { n: minutes });
  if (minutes < 48 * 60) return plural(Math.round(minutes / 60), '{n} hour ago', '{n} hours ago');
  return new Date(time).toLocaleDateString(locale(), { day: 'numeric', month: 'long', year: 'numeric' });
}

/** @param {{ width: number, height: number }} size */
export const dimensions = ({ width, height }) => isolated(`${width} × ${height}`);

/** @param {number} bytes */
export const megabytes = bytes => tr('{n} MB', { n: number(bytes / 1e6, bytes < 1e7 ? 1 : 0) });

/** @param {number} bytes */
export const sizeText = bytes =>
  bytes < 1e6 ? tr('{n} KB', { n: Math.max(1, Math.round(bytes / 1e3)) }) : megabytes(bytes);

/**
 * '' where it is not known.
 * @param {number | null} fraction
 * @param {Intl.NumberFormatOptions} [digits] none after the point, unless this says so
 */
export const percent = (fraction, digits = { maximumFractionDigits: 0 }) =>
  fraction === null ? '' : new Intl.NumberFormat(locale(), { style: 'percent', ...digits }).format(fraction);

/**
 * What is done, and how far it is.
 * @param {string} text
 * @param {number | null} fraction
 */
export const withPercent = (text, fraction) => [text, percent(fraction)].filter(Boolean).join(' ');

/**
 * For how long something waits, for the user; '' where that is not worth a word.
 * @param {{ position: number, seconds: number }} wait how many others come before it, and how long it takes
 * @param {boolean} tellsItself whether the work has an estimate of its own, which that of one command would contradict
 *   once it is its turn
 */
export function waitingText({ position, seconds }, tellsItself) {
  if (!position && (!seconds || tellsItself)) return '';
  const who = position ? plural(position, '{n} other is before you', '{n} others are before you') : tr('Working on it');
  return seconds >= 1 ? `${who} · ${tr('about {time}', { time: duration(seconds) })}` : who;
}
