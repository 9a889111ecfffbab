// Where Gradio's component begins: see ui/web_files.py. The other modules look their elements up when they are imported,
// so they come after `attach`.

import { attach } from './core/mount.js';

/** @param {GradioComponent} component */
export async function start(component) {
  attach(component);
  const { setUpPage } = await import('./set_up.js');
  setUpPage();
}
