// Numbers in words.

/**
 * @param {number} number
 * @param {string} noun
 */
export const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds % 1) * 100)).padStart(2, '0')}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** @param {number} time milliseconds since 1970 */
export function ago(time) {
  const minutes = Math.round((Date.now() - time) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${counted(Math.round(minutes / 60), 'hour')} ago`;
  return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
}

/** @param {number} bytes */
export const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** @param {number} bytes */
export const sizeText = bytes => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : megabytes(bytes));

/** @param {number | null} fraction */
export const percent = fraction => (fraction === null ? '' : ` ${Math.round(100 * fraction)}%`);

/**
 * For how long something waits, for the user; '' where that is not worth a word.
 * @param {{ position: number, seconds: number }} wait how many others come before it, and how long it takes
 * @param {boolean} tellsItself whether the work has an estimate of its own, which that of one command would contradict
 *   once it is its turn
 */
export function waitingText({ position, seconds }, tellsItself) {
  if (!position && (!seconds || tellsItself)) return '';
  const who = position ? `${position} ${position === 1 ? 'other is' : 'others are'} before you` : 'Working on it';
  return seconds >= 1 ? `${who} · about ${duration(seconds)}` : who;
}
