// The state that modules share. It is changed by `update` only; who changes it emits the event that others listen to.

import { EditLog } from './edit_log.js';

export const NOTHING = { frame: -1, bitmap: null, painted: null, frameTurn: 0, sprites: [], masksTurn: 0 };

export const state = {
  // The session
  token: '', // key to our things on the server
  model: { ready: false, fraction: null, message: '', error: null, name: '', title: '', device: '' },
  ready: false, // the model is loaded
  waiting: '', // what our requests wait for, in words

  // What is open
  medium: null, // {kind, name, frames, fps, height, width, times}; of an album also sizes and names of its photos
  version: 0, // of the medium, in the addresses of its frames
  source: null, // {file}, {files} or {example}: to open the same again after the server forgot us
  opening: null, // the same of what is on its way; `back`: the project that goes on with it
  reopening: false, // the server forgot us, and what was open is on its way again
  project: null, // {id, fileKeys, filesKept, thumbnail} as it is autosaved; null: it is not saved
  awaited: null, // the project whose file the user is asked for

  // What the user made
  log: new EditLog(),
  effectStack: null, // null: the default preset
  reviews: [], // {review, reviewer, verdicts: {object: {verdict, comment}}, notes: [{frame, x, y, text, object or
  // undefined, at, done}]}, a review and reviewer once

  // Objects
  active: 1, // the object that clicks are about
  hiddenObjects: new Set(),
  soloObject: null, // the only one to be seen
  liveTraits: null, // object -> traits that are being dragged about: a step of the log once they are let go

  // Tools
  tool: 'point', // point, scribble, lasso or paint
  adding: true, // a click adds (or takes away)
  draftPrompt: null, // {frame, object, prompt}: what a drag would ask for if it ended here
  crosshair: null, // [x, y] in the frame while it is shown

  // The viewport and the timeline
  frame: 0,
  shown: { ...NOTHING }, // what is on the canvases
  view: { zoom: 1, x: 0, y: 0, scale: 1, ratio: 1 }, // x, y: where the frame's corner lies, in CSS pixels
  timeline: { first: 0, last: 0, wanted: 1, width: 0 }, // frames in sight; `wanted`: how many as a fraction, for smooth wheels
  opacity: 0.5,
  outline: true,
  patterns: false, // masks are hatched, each object in its own way
  playing: false,
  range: null, // {first, last}: what is played and tracked; null is the whole clip
  effectsOpen: false, // the panel is seen
  effectsShown: true, // while it is, the viewport shows what the effects give
  effectsSliding: false, // a slider is held: the viewport follows with rough pictures

  // Jobs
  tracking: null, // {run, direction, frame, first, last, pause, stopping} while the server tracks
  interrupted: null, // what is left of a stopped run, as in startTracking
  lastTracked: null, // {frame, step} that came last
  exporting: false,
};

export const { view, timeline } = state;

export function update(changes) {
  Object.assign(state, changes);
}
