// Menus that drop down from a button of the header: arrows walk through them, Escape and a click elsewhere close them.

function dropMenu(button, card, opened = () => {}) {
  const items = () => [...card.querySelectorAll('[role=menuitem]:not(:disabled)')].filter(item => item.offsetParent);
  const set = open => {
    card.hidden = !open;
    button.setAttribute('aria-expanded', open);
    if (!open) return;
    opened();
    items()[0]?.focus();
  };
  on(button, 'click', () => set(card.hidden));
  on(window, 'pointerdown', event => { if (!card.hidden && !card.parentElement.contains(event.target)) set(false); });
  on(card, 'keydown', event => {
    const all = items(), place = all.indexOf(document.activeElement), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) all[(place + step + all.length) % all.length].focus();
    else if (event.key === 'Escape') { set(false); button.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return set;
}
