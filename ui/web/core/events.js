// Events of the page, by name: medium, frame, log, masks, objects, effects, connection, tracking, view, range, timeline, …
// and server-<t> for each message of the server. Listeners are called in the order in which they were added.

const listeners = new Map();

// `names` are separated by spaces.
export function on(names, listener) {
  for (const name of names.split(' ')) listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

export function emit(name, detail) {
  for (const listener of listeners.get(name) ?? []) listener(detail);
}
