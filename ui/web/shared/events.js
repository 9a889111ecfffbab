// Events of the page, by name: medium, frame, log, masks, objects, effects, connection, tracking, view, range, timeline, …
// and server-<t> for each message of the server. Listeners are called in the order in which they were added.

/** @type {Map<string, ((detail: never) => void)[]>} */
const listeners = new Map();

/**
 * @template {string} Names
 * @param {Names} names separated by spaces
 * @param {(detail: Names extends keyof PageEvents ? PageEvents[Names] : unknown) => void} listener
 */
export function on(names, listener) {
  for (const name of names.split(' ')) listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

/**
 * @template {string} Name
 * @param {Name} name
 * @param {Name extends keyof PageEvents ? PageEvents[Name] : unknown} [detail]
 */
export function emit(name, detail) {
  for (const listener of listeners.get(name) ?? []) /** @type {(detail: unknown) => void} */ (listener)(detail);
}
