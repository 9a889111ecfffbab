// Tracking pauses by itself where an object is lost, unless the user does not want that.

const pausing = {
  wanted: true,

  set(wanted) {
    this.wanted = wanted;
    try { localStorage.setItem('masklet-pause', wanted ? 'yes' : 'no'); } catch { /* storage may be forbidden */ }
    this.show();
  },

  show() {
    find('pausing').setAttribute('aria-pressed', this.wanted);
    find('pausing').title = `Pause where an object is lost: ${this.wanted ? 'on' : 'off'}`;
    find('lost-pause').querySelector('input').checked = this.wanted;
  },
};
try { pausing.wanted = localStorage.getItem('masklet-pause') !== 'no'; } catch { /* storage may be forbidden */ }
pausing.show();

// The frame is shown, the object is selected: the next click is about it.
function tellOfLoss(object, frame) {
  goTo(frame, true);
  if (journal.said.has(object)) objects.select(object);
  const text = `${objects.trait(object).name} was lost at frame ${frame + 1}. ${fingersOnly ? 'Tap' : 'Click'} on it, or go on.`;
  find('lost-text').textContent = text;
  find('lost').hidden = false;
  announce(text);
}

const hideLoss = () => { find('lost').hidden = true; };

on(find('pausing'), 'click', () => pausing.set(!pausing.wanted));
on(find('lost-pause').querySelector('input'), 'change', event => pausing.set(event.target.checked));
on(find('lost-goon'), 'click', goOn);
on(find('lost-close'), 'click', hideLoss);
when('medium asked', hideLoss);
when('tracking', () => { if (state.tracking) hideLoss(); });
