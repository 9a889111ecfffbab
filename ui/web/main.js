// Where Gradio's component begins: see ui/web_files.py.

import { attach } from './core/mount.js';

export async function start(gradio) {
  attach(gradio);
  const { setUpPage } = await import('./set_up.js');
  setUpPage();
}
