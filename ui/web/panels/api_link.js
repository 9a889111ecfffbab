// Gradio lists the endpoints for programs in a view of its own. The button that opens it stands in the footer, which is not
// shown; an address with ?view=api is to open it too, but Gradio loads that view only when its button is clicked.

import { find, listen } from '../core/page.js';

/** @type {() => HTMLButtonElement | null} */
const footerButton = () => document.querySelector('footer .show-api');
const showApi = () => footerButton()?.click();

export function setUpApiLink() {
  listen(find('api'), 'click', () => {
    find('help-dialog').close();
    showApi();
  });

  if (new URLSearchParams(location.search).get('view') === 'api') {
    setTimeout(() => {
      showApi(); // Gradio takes the view for open: this only removes it from the address
      showApi();
    });
  }
}
