// Events of the page, by name: medium, frame, log, masks, objects, effects, connection, tracking, view, range, timeline, …
// and server-<t> for each message of the server. Listeners are called in the order in which they were added.

/** @type {Map<string, ((detail: any) => void)[]>} */
const listeners = new Map();

/**
 * @param {string} names separated by spaces
 * @param {(detail: any) => void} listener
 */
export function on(names, listener) {
  for (const name of names.split(' ')) listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

/**
 * @param {string} name
 * @param {unknown} [detail]
 */
export function emit(name, detail) {
  for (const listener of listeners.get(name) ?? []) listener(detail);
}
