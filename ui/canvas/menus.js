// Menus that open below a button: a click elsewhere or Escape closes them, the arrows go through their items.

const closers = [];
const closeMenus = () => closers.forEach(close => close(false));

// `opened` is told before the menu is seen. Returns a function that opens and closes it.
function makeMenu(button, list, opened = () => {}) {
  const items = () => [...list.querySelectorAll('[role=menuitem]:not(:disabled)')];
  const set = open => {
    if (open === !list.hidden) return;
    list.hidden = !open;
    button.setAttribute('aria-expanded', open);
    if (!open) return;
    opened();
    items()[0]?.focus();
  };
  on(button, 'click', () => set(list.hidden));
  on(window, 'pointerdown', event => { if (!list.parentElement.contains(event.target)) set(false); });
  on(list, 'keydown', event => {
    const listed = items(), place = listed.indexOf(document.activeElement), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && listed.length) listed[(place + step + listed.length) % listed.length].focus();
    else if (event.key === 'Escape') { set(false); button.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  if (!list.classList.contains('mk-stays')) on(list, 'click', event => { if (event.target.closest('[role=menuitem]')) set(false); });
  closers.push(set);
  return set;
}
