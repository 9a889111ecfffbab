// Opens the example that the page's address asks for: see shared/example_link.js.

import { about } from '../core/page.js';
import { state } from '../core/store.js';
import { on } from '../shared/events.js';
import { EXAMPLE_PARAMETER } from '../shared/example_link.js';
import { openExample } from './open_files.js';

/** Opens what the address asks for, once: a reload brings back the work on it. */
function openLinked() {
  const query = new URLSearchParams(location.search);
  const name = query.get(EXAMPLE_PARAMETER);
  if (name === null) return;
  query.delete(EXAMPLE_PARAMETER);
  history.replaceState(history.state, '', `${location.pathname}${query.size ? `?${query}` : ''}${location.hash}`);
  const example = about.examples.find(each => each.name === name);
  if (example && !state.opening && !state.reopening) openExample(example);
}

export function setUpLinkedExample() {
  on('server-hello', openLinked);
}
