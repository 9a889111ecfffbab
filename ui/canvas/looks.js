// The look: what the effects do to the picture, as plain data that the server reads (Look.to_json): {layers: [{effect,
// …settings}], feather, matte}. It belongs to the work. Tables of what there is come from the server.

const PLAIN = 'Overlay';         // the preset that holds until the user makes another look; as strong as on the stage

const effects = {
  made: null,                    // the look that the user has made; null: the plain one
  open: false,                   // the panel is seen
  seen: true,                    // while it is, the stage shows what the look gives
  sliding: false,                // a slider is held: the stage follows with rough pictures

  get look() { return this.made ?? presetLook(PLAIN); },

  // The look as the server is told it: a picture that was not chosen yet does nothing.
  get told() {
    const { look } = this, isReady = ({ effect, ...set }) => Object.entries(about.effects[effect].settings)
      .every(([name, knob]) => knob.kind !== 'backdrop' || set[name]);
    return { ...look, layers: look.layers.filter(isReady) };
  },

  // The preset that the look is, or ''.
  get preset() {
    if (!this.made) return PLAIN;
    const text = JSON.stringify(saneLook(this.made));
    return Object.keys(about.presets).find(name => JSON.stringify(saneLook(about.presets[name])) === text) ?? '';
  },

  set(look) {
    this.made = look;
    tell('look');
  },
};

function presetLook(name) {
  const look = structuredClone(about.presets[name]);
  if (name === PLAIN) for (const layer of look.layers) if ('opacity' in layer) layer.opacity = state.opacity;
  return look;
}

// A look may come from a file: what the server would not take is left out, or is as usual.
function saneLook(plain) {
  if (!isPlain(plain) || !Array.isArray(plain.layers)) return null;
  const known = plain.layers.filter(layer => isPlain(layer) && Object.hasOwn(about.effects, layer.effect));
  const layers = known.slice(0, about.max_layers).map(({ effect, ...set }) => ({
    effect, ...saneSettings(about.effects[effect].settings, set),
  }));
  return { layers, ...saneSettings(about.edges, plain) };
}

const saneSettings = (knobs, set) => Object.fromEntries(
  Object.entries(knobs).map(([name, knob]) => [name, saneSetting(knob, set[name])]));

function saneSetting({ kind, low, high, choices, default: usual }, value) {
  if (kind === 'slider') return Number.isFinite(value) ? clamp(value, low, high) : usual;
  if (typeof value !== 'string' || value.length > about.max_text) return usual;
  if (kind === 'choice') return Object.hasOwn(choices, value) ? value : usual;
  if (kind === 'color') return /^#[0-9a-f]{6}$/i.test(value) ? value : usual;
  return value;
}

// What backdrops a look names.
const backdropsOf = look => look.layers.flatMap(({ effect, ...set }) => Object.entries(about.effects[effect].settings)
  .filter(([name, knob]) => knob.kind === 'backdrop' && set[name]).map(([name]) => set[name]));
