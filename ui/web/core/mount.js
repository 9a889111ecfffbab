// What Gradio hands to one mount of the page. main.js fills it before any other module is imported, so that those can look
// their elements up at the top of the file. Every mount has module instances of its own (ui/web_files.py).

const ending = new AbortController();

/** `signal` aborts when the page is unmounted. */
export const mount = /** @type {GradioComponent & { signal: AbortSignal }} */ ({ signal: ending.signal });

/** @param {GradioComponent} component */
export function attach(component) {
  Object.assign(mount, component);
  // gr.HTML has no event for being unmounted.
  const observer = new MutationObserver(() => {
    if (mount.element.isConnected) return;
    ending.abort();
    observer.disconnect();
  });
  observer.observe(document.body, { childList: true, subtree: true });
}
