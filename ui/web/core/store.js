// The state that modules share. It is changed by `update` only; who changes it emits the event that others listen to.

import { EditLog } from './edit_log.js';

/** @type {ShownFrame} */
export const NOTHING = { frame: -1, bitmap: null, painted: null, frameTurn: 0, sprites: [], masksTurn: 0 };

export const state = {
  // The session
  token: '', // key to our things on the server
  edits: 0, // that the server had taken for it, from whichever page, when this one connected
  model: /** @type {ModelState} */ ({
    ready: false,
    fraction: null,
    message: '',
    error: null,
    name: '',
    title: '',
    device: '',
  }),
  ready: false, // the model is loaded
  waiting: '', // what our requests wait for, in words

  // What is open
  medium: /** @type {Medium | null} */ (null), // {kind, name, frames, fps, height, width, times}; of an album also sizes and names of its photos
  version: 0, // of the medium, in the addresses of its frames
  source: /** @type {MediumSource | null} */ (null), // {file}, {files} or {example}: to open the same again after the server forgot us
  opening: /** @type {OpeningSource | null} */ (null), // the same of what is being opened, and the project that is restored on it
  reopening: false, // the server forgot us, and what was open is on its way again
  project: /** @type {OpenProject | null} */ (null), // as it is autosaved; null: it is not saved
  awaited: /** @type {SavedProject | null} */ (null), // the project whose file the user is asked for

  // What the user made
  log: new EditLog(),
  effectStack: /** @type {EffectStack | null} */ (null), // null: the default preset
  reviews: /** @type {Review[]} */ ([]), // {review, reviewer, verdicts: {object: {verdict, comment}}, notes: [{frame, x, y, text, object or
  // undefined, at, done}]}, a review and reviewer once

  // Annotating in stages
  stage: /** @type {Stage | null} */ (null), // of the data engine; null: the panel is closed
  training: /** @type {TrainingResult | null} */ (null), // the newest one

  // Objects
  active: 1, // the object that clicks are about
  hiddenObjects: /** @type {Set<number>} */ (new Set()),
  soloObject: /** @type {number | null} */ (null), // the only one to be seen
  liveTraits: /** @type {Map<number, Partial<Traits>> | null} */ (null), // object -> traits that are being dragged about: a step of the log once they are let go

  // Tools
  tool: 'point', // point, scribble, lasso, paint, outline or automatic
  adding: true, // a click adds (or takes away)
  draftPrompt: /** @type {{ frame: number; object: number; prompt: Prompt } | null} */ (null), // {frame, object, prompt}: what a drag would ask for if it ended here
  crosshair: /** @type {[number, number] | null} */ (null), // [x, y] in the frame while it is shown

  // The viewport and the timeline
  frame: 0,
  shown: { ...NOTHING }, // what is on the canvases
  view: { zoom: 1, x: 0, y: 0, scale: 1, ratio: 1 }, // x, y: where the frame's corner lies, in CSS pixels
  timeline: { first: 0, last: 0, wanted: 1, width: 0 }, // frames in sight; `wanted`: how many as a fraction, for smooth wheels
  opacity: 0.35,
  outline: true,
  patterns: false, // masks are hatched, each object in its own way
  colorByClass: false, // masks of a class share a color on the canvas
  others: /** @type {'shown' | 'outlined' | 'hidden'} */ ('shown'), // objects that are not selected
  playing: false,
  range: /** @type {FrameRange | null} */ (null), // {first, last}: what is played and tracked; null is the whole clip
  tab: /** @type {'objects' | 'effects' | 'review' | 'automatic' | 'annotate'} */ ('objects'), // of the side panel
  effectsOpen: false, // its tab is chosen
  effectsShown: true, // while it is, the viewport shows what the effects give
  effectsSliding: false, // a slider is held: the viewport follows with rough pictures

  // Jobs
  tracking: /** @type {(TrackingRun & { stopping: boolean }) | null} */ (null), // {run, direction, frame, first, last, pause, stopping} while the server tracks
  interrupted: /** @type {TrackingRun | null} */ (null), // what is left of a stopped run, as in startTracking
  reservedObjects: 0, // numbers up to here belong to the objects that a run under way makes
  lastTrackedFrame: /** @type {number | null} */ (null),
  exporting: false,
};

export const { view, timeline } = state;

/** @param {Partial<typeof state>} changes */
export function update(changes) {
  Object.assign(state, changes);
}
