// What Gradio hands to one mount of the page. main.js fills it before any other module is imported, so that those can look
// their elements up at the top of the file. Every mount has module instances of its own (see ui/web_files.py).

const ending = new AbortController();

export const mount = {
  element: null, // what Gradio put the page's HTML into
  props: null, // of the component: token, problem, issued, about
  renew: null, // asks Python for a new session
  watch: null, // (name, listener): tells of changes of a prop
  signal: ending.signal, // aborts when the page is unmounted
};

export function attach(gradio) {
  Object.assign(mount, gradio);
  // gr.HTML tells nobody when it is unmounted.
  const observer = new MutationObserver(() => {
    if (mount.element.isConnected) return;
    ending.abort();
    observer.disconnect();
  });
  observer.observe(document.body, { childList: true, subtree: true });
}
