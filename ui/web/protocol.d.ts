// Generated from ui/protocol by `npm run protocol`. Do not edit.

export type Message = Request | LiveRequest | Event;
export type Request =
  | SetPromptRequest
  | PreviewRequest
  | RemoveObjectRequest
  | TrackRequest
  | StopRequest
  | UntrackRequest
  | GetMasksRequest
  | EncodeFrameRequest
  | SegmentEverythingRequest
  | ExportRequest
  | DetectRequest
  | DetectClipRequest
  | TrainRequest
  | EditLogRequest
  | CancelRequest
  | ListModelsRequest
  | ChooseModelRequest
  | RetryDownloadRequest
  | ListDetectorsRequest;
export type LiveRequest = LiveStartRequest | LivePromptRequest | LiveRemoveRequest | LiveStopRequest;
export type Event =
  | HelloEvent
  | ModelEvent
  | ModelsEvent
  | BetterModelEvent
  | DetectorsEvent
  | DetectedEvent
  | QueueEvent
  | OpenedEvent
  | MasksEvent
  | AutomaticStartedEvent
  | AutomaticMasksEvent
  | PreviewEvent
  | StaleEvent
  | ObjectRemovedEvent
  | UntrackedEvent
  | LiveStartedEvent
  | LiveMasksEvent
  | HeartbeatEvent
  | ProgressEvent
  | DoneEvent
  | ErrorEvent;

/**
 * Everything that is asked for an object on a frame; an empty prompt clears the frame. The answer is `masks`.
 */
export interface SetPromptRequest {
  t: "set_prompt";
  seq: number;
  frame: number;
  object: number;
  prompt: PromptData;
}
/**
 * Everything that is asked for one object on one frame.
 *
 * Points are [x, y, 1 (positive) or 0]; boxes and the crop, in which the frame is encoded a second time, are
 * [left, top, right, bottom]; `choice` is the picked candidate.
 */
export interface PromptData {
  points?: [number, number, 0 | 1][];
  boxes?: [number, number, number, number][];
  mask?: MaskData;
  choice?: 0 | 1 | 2 | 3;
  crop?: [number, number, number, number];
}
/**
 * A mask as COCO's compressed run lengths. `size` is [height, width], that of the frame.
 */
export interface MaskData {
  size: [number, number];
  counts: string;
}
/**
 * Show what a prompt would give; nothing is remembered, and of several that wait only the newest is answered.
 */
export interface PreviewRequest {
  t: "preview";
  seq: number;
  frame: number;
  object: number;
  prompt: PromptData;
}
/**
 * Remove an object with all its masks.
 */
export interface RemoveObjectRequest {
  t: "remove_object";
  seq: number;
  object: number;
}
/**
 * Track; what is up to date is skipped. Answered by `masks`, `progress` and at last `done`.
 */
export interface TrackRequest {
  run: number;
  direction: "forward" | "backward" | "both" | "one" | "update";
  frame: number;
  first?: number;
  last?: number;
  pause?: boolean;
  t: "track";
}
/**
 * Stop tracking.
 */
export interface StopRequest {
  t: "stop";
}
/**
 * Take back the newest tracked masks of these objects on the frames [first, last].
 */
export interface UntrackRequest {
  t: "untrack";
  seq: number;
  frames: [number, number];
  objects: number[];
}
/**
 * Send what is known about these frames, up to 64 of them; `seq` is then in every answer.
 */
export interface GetMasksRequest {
  t: "get_masks";
  first: number;
  last: number;
  seq?: number;
}
/**
 * The user looks at this frame and may click on it: encode it as soon as nothing else is to be done. There is no
 * answer.
 */
export interface EncodeFrameRequest {
  t: "encode_frame";
  frame: number;
}
/**
 * Find all masks of a frame: from a grid of `points_per_side` squared points in the frame, and in each crop of
 * `crop_layers` layers (left out: as the network does best). Holes and islands of fewer than `min_region_area` pixels
 * are removed. Takes the place of a run that is under way; `run` is a number of the page's own that names the run.
 *
 * Answered by `automatic_started`, then `automatic_masks` and `progress`, and at last `done` of everything; cancelling
 * that job ends it, and what was found until then stays.
 */
export interface SegmentEverythingRequest {
  t: "segment_everything";
  run: number;
  frame: number;
  points_per_side?: number;
  crop_layers?: number;
  min_region_area?: number;
}
/**
 * Write a download: the objects, of which the last one lies above the others, on each `every`-th of the frames
 * `first`..`last` (left out: all). `effects` and what follows are options that only some formats take; `rejected` are
 * for a data set.
 */
export interface ExportRequest {
  t: "export";
  format:
    | "masks"
    | "index"
    | "davis"
    | "coco"
    | "youtube_vis"
    | "yolo"
    | "voc"
    | "sav"
    | "labelme"
    | "npz"
    | "csv"
    | "mp4"
    | "webm"
    | "mov"
    | "gif"
    | "png"
    | "webp"
    | "jpg"
    | "review"
    | "dataset";
  objects: ExportObject[];
  first?: number;
  last?: number;
  every?: number;
  effects?: EffectsData;
  polygons?: boolean;
  pictures?: boolean;
  side_by_side?: boolean;
  cropped?: boolean;
  largest_side?: number;
  rejected?: RejectedMaskData[];
}
/**
 * An object in a download: a name of its own, its class label, its color as [red, green, blue], and how its masks
 * were made.
 */
export interface ExportObject {
  id: number;
  name: string;
  color: [number, number, number];
  label?: string;
  provenance?: ProvenanceData;
}
/**
 * How an object's masks were made: see `Provenance` in sam2_core/media/masked_media.py.
 */
export interface ProvenanceData {
  stage: "assisted" | "semi-automatic" | "automatic";
  source: "person" | "confirmed" | "automatic";
  seconds?: number;
  predicted_iou?: number;
  stability_score?: number;
  rating?: "good" | "check" | "poor";
}
/**
 * What is done to the frames of a download. A layer is {effect, ...settings}.
 */
export interface EffectsData {
  layers?: {
    [k: string]: number | string;
  }[];
  feather?: number;
  matte?: number;
}
/**
 * A proposal of the model on a frame that a person rejected.
 */
export interface RejectedMaskData {
  frame: number;
  mask: MaskData1;
  seconds?: number;
  predicted_iou?: number;
  stability_score?: number;
}
/**
 * A mask as COCO's compressed run lengths. `size` is [height, width], that of the frame.
 */
export interface MaskData1 {
  size: [number, number];
  counts: string;
}
/**
 * Find what a text names on a frame, with commas between several things. The answer is `detected`, with all from
 * low scores on, and the server makes no objects of it; meanwhile there is `progress` of detect. `run` is a number of
 * the page's own that is in the answer.
 */
export interface DetectRequest {
  t: "detect";
  run: number;
  frame: number;
  text: string;
  detector: string;
}
/**
 * Find what a text names on `frame`, and with `every` on each n-th frame from there in the direction (forward,
 * backward or both); make objects of what is new, numbered from `first_object` on, and track all in between. It is a
 * run of tracking, with `detected` for each frame on which the detector looked.
 */
export interface DetectClipRequest {
  run: number;
  direction: "forward" | "backward" | "both" | "one" | "update";
  frame: number;
  first?: number;
  last?: number;
  pause?: boolean;
  t: "detect_clip";
  text: string;
  detector: string;
  first_object: number;
  every?: number;
  box_threshold?: number;
  text_threshold?: number;
}
/**
 * Fine-tune the network in use on the open photos and the masks of these objects, for about so many minutes.
 * Answered by `progress` and at last `done`.
 */
export interface TrainRequest {
  t: "train";
  objects: ExportObject[];
  minutes?: number;
}
/**
 * Begin anew with these entries, answered by `done` of replay. With `more` the prompts and removals among them
 * come to what is there already.
 */
export interface EditLogRequest {
  t: "edit_log";
  entries: (PromptEntryData | RemoveEntryData | TrackEntryData)[];
  seq: number;
  more?: boolean;
}
/**
 * From now on `prompt` is all that holds for the object on the frame.
 */
export interface PromptEntryData {
  frame: number;
  object: number;
  prompt: PromptData;
}
/**
 * The object `forget` was removed.
 */
export interface RemoveEntryData {
  forget: number;
}
/**
 * The frames `track` = [start, stop, step] were tracked, for these objects (none: for all).
 */
export interface TrackEntryData {
  track: [number, number, 1 | -1];
  objects?: number[];
}
/**
 * Cancel a job; of a replay its tracking, or what it adds.
 */
export interface CancelRequest {
  t: "cancel";
  job: "ingest" | "import" | "export" | "replay" | "model" | "detect" | "everything" | "train";
}
/**
 * Which networks does this server offer? The answer is `models`.
 */
export interface ListModelsRequest {
  t: "list_models";
}
/**
 * Go on with another network.
 */
export interface ChooseModelRequest {
  t: "choose_model";
  name: string;
}
/**
 * Try to fetch the better network again, which has failed. The answers are `better_model` events.
 */
export interface RetryDownloadRequest {
  t: "retry_download";
}
/**
 * Which detectors does this server offer for text prompts? The answer is `detectors`.
 */
export interface ListDetectorsRequest {
  t: "list_detectors";
}
/**
 * The camera runs, with frames of this size; answered by `live_started`. The frames come by POST (routes.py).
 */
export interface LiveStartRequest {
  t: "live_start";
  width: number;
  height: number;
}
/**
 * Everything that is asked for an object on the frame that was seen; answered by `live_masks`.
 */
export interface LivePromptRequest {
  t: "live_prompt";
  frame: number;
  object: number;
  prompt: PromptData;
}
/**
 * Follow an object no longer.
 */
export interface LiveRemoveRequest {
  t: "live_remove";
  object: number;
}
/**
 * The camera is off.
 */
export interface LiveStopRequest {
  t: "live_stop";
}
/**
 * The first event of every connection. `tracking` is the run under way, which may give numbers up to `last_object`
 * to objects that it makes; `everything` the number of the run of automatic masks under way. `opening`: a medium is
 * being read, or waits for that; `restored`: the one that is open was so before the server was started. `editor` is
 * the name of the page that was the last to change masks, and `edits` how often any page has done so.
 */
export interface HelloEvent {
  t: "hello";
  version: number;
  medium: MediumData | null;
  opening: boolean;
  restored: boolean;
  editor: string;
  edits: number;
  tracking: TrackingRunData | null;
  last_object?: number;
  everything?: number;
}
/**
 * What is open. `times` in seconds only where the frame rate varies; `sizes` ([height, width]) and `names` of the
 * photos of an album; `fps` is 0 for an image; `has_sound` only of a clip that has.
 */
export interface MediumData {
  kind: "image" | "clip" | "album";
  name: string;
  frames: number;
  fps: number;
  height: number;
  width: number;
  times: number[] | null;
  sizes?: [number, number][];
  names?: string[];
  has_sound?: boolean;
}
/**
 * A run of tracking: all objects from `frame` through `first`..`last` (left out: the whole clip).
 *
 * `direction` is forward, backward or both; one: this frame only; update: what is stale in the range. `run` is a
 * number of the page's own that names the run in all that comes of it. With `pause` it stops where an object is lost.
 */
export interface TrackingRunData {
  run: number;
  direction: "forward" | "backward" | "both" | "one" | "update";
  frame: number;
  first: number;
  last: number;
  pause: boolean;
}
/**
 * The network in use, and how far loading it is; `device` is what it runs on, once it does.
 */
export interface ModelEvent {
  t: "model";
  ready: boolean;
  fraction: number | null;
  message: string;
  error: string | null;
  name: string;
  title: string;
  device: string;
}
/**
 * The answer to `list_models`. `memory` is the share of the device's memory that is in use.
 */
export interface ModelsEvent {
  t: "models";
  current: string;
  device: string;
  memory: number | null;
  models: ModelData[];
}
/**
 * A network on offer. Unless `weights` are the operator's own or were trained in this session, also its size
 * (`parameters` in millions), and the work for a picture and for a tracked frame as multiples of nano's; without
 * `frame` it cannot track. Entries of the same `network` differ in the side of their input, `image_size` pixels.
 * `quality` is in words, with a published `figure` and its `source` where there is one.
 * `measured` is how fast it was here, `estimated` how fast it should be, by its work and a probe of the device.
 */
export interface ModelData {
  name: string;
  title: string;
  weights: "bundled" | "downloaded" | "remote" | "own" | "trained";
  loaded: boolean;
  parameters?: number;
  megabytes?: number;
  licence?: string;
  picture?: number;
  frame?: number;
  network?: string;
  image_size?: number;
  quality?: string;
  figure?: string;
  source?: string;
  measured?: SpeedData;
  estimated?: SpeedData1;
}
/**
 * Seconds for a picture, and frames tracked a second; what is not known is left out.
 */
export interface SpeedData {
  photo_seconds?: number;
  frames_per_second?: number;
}
/**
 * Seconds for a picture, and frames tracked a second; what is not known is left out.
 */
export interface SpeedData1 {
  photo_seconds?: number;
  frames_per_second?: number;
}
/**
 * How far the download of a network is that suits this machine better than the one named `replaces`. Where it has
 * `failed`, `message` says why; a `ready` one can be chosen.
 */
export interface BetterModelEvent {
  t: "better_model";
  state: "fetching" | "ready" | "failed";
  name: string;
  title: string;
  replaces: string;
  megabytes: number;
  fraction: number | null;
  message: string;
}
/**
 * The answer to `list_detectors`. `problem` says what to install before any of them can be used.
 */
export interface DetectorsEvent {
  t: "detectors";
  problem: string;
  detectors: DetectorData[];
}
/**
 * A detector on offer. `megabytes` is 0 where that is unknown; without `text` there is no text threshold.
 */
export interface DetectorData {
  name: string;
  title: string;
  megabytes: number;
  licence: string;
  downloaded: boolean;
  loaded: boolean;
  box: ThresholdsData;
  text?: ThresholdsData1;
}
/**
 * A threshold of a detector, in 0..1: what suits it, and the lowest from which on there is something to filter.
 */
export interface ThresholdsData {
  default: number;
  floor: number;
}
/**
 * A threshold of a detector, in 0..1: what suits it, and the lowest from which on there is something to filter.
 */
export interface ThresholdsData1 {
  default: number;
  floor: number;
}
/**
 * What was found on a frame, the best first: the answer to `detect`, or the new objects of a run. `phrases` is the
 * text as it was read; `left_out`: for how many objects there was no room.
 */
export interface DetectedEvent {
  t: "detected";
  run: number;
  version: number;
  frame: number;
  phrases: string[];
  objects: FoundData[];
  left_out: number;
}
/**
 * What a detector found: the phrase, its score, a box as [left, top, right, bottom], a mask where the detector
 * makes them, and the scores of the words that are found in the box, by phrase.
 *
 * `known`: it is an object that is there already, or an earlier one of the list. In a run it is the object `object`.
 */
export interface FoundData {
  phrase: string;
  score: number;
  box: [number, number, number, number];
  known: boolean;
  object?: number;
  mask?: FoundMaskData;
  words?: {
    [k: string]: number[];
  };
}
/**
 * A mask as COCO's compressed run lengths.
 */
export interface FoundMaskData {
  size: [number, number];
  counts: string;
}
/**
 * While a request waits: how many others come before it, and about how many seconds it takes; both 0 afterwards.
 */
export interface QueueEvent {
  t: "queue";
  position: number;
  seconds: number;
}
/**
 * A medium is open; `version` goes into the addresses of its frames. `added`: photos came to those that were open,
 * whose frames keep their numbers. `warnings` say what is missing or was changed.
 */
export interface OpenedEvent {
  t: "opened";
  version: number;
  medium: MediumData;
  added: boolean;
  skipped: SkippedData[];
  warnings: string[];
}
/**
 * A file that could not be used.
 */
export interface SkippedData {
  name: string;
  reason: string;
}
/**
 * Masks of a frame.
 *
 * With `object` the answer to a prompt for that object; with `run` what this run of tracking found, on its way forward
 * (`step` 1) or backward (-1); else all of the frame.
 */
export interface MasksEvent {
  t: "masks";
  version: number;
  frame: number;
  revision: number;
  objects: ObjectMaskData[];
  seq?: number;
  object?: number;
  run?: number;
  step?: number;
}
/**
 * A mask of an object. `object_score` is a logit; `stale`: older than a prompt nearby; `fresh`: found by this very
 * step of tracking. `warnings` are left out where the mask was not checked, as on a prompted frame. The PNGs of
 * candidates follow the object's own.
 */
export interface ObjectMaskData {
  predicted_iou: number;
  area: number;
  place: [number, number, number, number];
  bytes: number;
  rating?: "good" | "check" | "poor";
  id: number;
  object_score: number;
  stale: boolean;
  fresh: boolean;
  warnings?: WarningData[];
  candidates?: CandidateData[];
}
/**
 * A sign that a tracked mask is wrong; `score` is in 0..1, from 0.5 on it is worth a look.
 */
export interface WarningData {
  kind: "lost" | "low_iou" | "area" | "pieces" | "shift" | "overlap" | "appearance" | "whole_frame";
  score: number;
}
/**
 * One reading of an ambiguous click, which `choice` in its prompt picks by its index.
 *
 * `area` is in pixels, `place` is [x, y, width, height] of the PNG in the frame, `bytes` its length. `rating` is what
 * the predicted IoU is worth; left out where the network does not judge the mask.
 */
export interface CandidateData {
  predicted_iou: number;
  area: number;
  place: [number, number, number, number];
  bytes: number;
  rating?: "good" | "check" | "poor";
}
/**
 * A run of everything begins (also anew): what was found in a run of this number is void.
 *
 * The settings are those asked for, the others the network's own. `min_predicted_iou` and `min_stability` are where
 * the thresholds should stand at first; from the floors upwards they can be moved without computing again.
 * `max_overlap` is the IoU of boxes for non-maximum suppression.
 */
export interface AutomaticStartedEvent {
  t: "automatic_started";
  version: number;
  run: number;
  frame: number;
  points_per_side: number;
  crop_layers: number;
  min_predicted_iou: number;
  min_stability: number;
  max_overlap: number;
  floor_predicted_iou: number;
  floor_stability: number;
}
/**
 * Candidates of a run of everything, to be filtered by the page: new ones, ones that are wanted again, or at last
 * the same with fitted boundaries; and the numbers of earlier ones that no choice of thresholds shows now. The page
 * shows at most what the filter leaves.
 */
export interface AutomaticMasksEvent {
  t: "automatic_masks";
  version: number;
  run: number;
  frame: number;
  masks: AutomaticMaskData[];
  dropped: number[];
}
/**
 * One of the masks of everything. `id` is its number in the run, from 1; `score` decides which of two overlapping
 * ones is better; `place` is [x, y, width, height] of the PNG in the frame, which encloses the mask, `crop` [left,
 * top, right, bottom] of the crop that it was found in; `bytes` is the length of the PNG.
 */
export interface AutomaticMaskData {
  id: number;
  predicted_iou: number;
  stability: number;
  score: number;
  area: number;
  place: [number, number, number, number];
  crop: [number, number, number, number];
  bytes: number;
  rating?: "good" | "check" | "poor";
}
/**
 * The answer to `preview`; at most one object.
 */
export interface PreviewEvent {
  t: "preview";
  version: number;
  frame: number;
  revision: number;
  objects: ObjectMaskData[];
  seq: number;
}
/**
 * All that is stale now.
 */
export interface StaleEvent {
  t: "stale";
  version: number;
  objects: StaleData[];
}
/**
 * The stale frames of an object, as [first, last].
 */
export interface StaleData {
  id: number;
  frames: [number, number][];
}
/**
 * The answer to `remove_object`.
 */
export interface ObjectRemovedEvent {
  t: "object_removed";
  seq: number;
  object: number;
}
/**
 * The answer to `untrack`.
 */
export interface UntrackedEvent {
  t: "untracked";
  seq: number;
}
/**
 * The server takes frames of the camera, up to `rate` a second.
 */
export interface LiveStartedEvent {
  t: "live_started";
  rate: number;
}
/**
 * Masks of a frame of the camera: of all objects, or with `object` the answer to a prompt for that object.
 *
 * `is_first`: it begins a session, in which there are no objects yet; those of an earlier one are set again by masks.
 */
export interface LiveMasksEvent {
  t: "live_masks";
  frame: number;
  revision: number;
  objects: ObjectMaskData[];
  object?: number;
  is_first?: boolean;
}
/**
 * Comes every few seconds, so that the page notices a dead connection.
 */
export interface HeartbeatEvent {
  t: "heartbeat";
}
/**
 * How far a job is.
 *
 * Of `model`: which one, and whether it is loaded and gets the edit log (`moving`). Of `track`: the frame that was
 * reached, `done` of `total` frames, and once the pace is known frames a second (`fps`) and the seconds that are
 * `left`. Of `everything`: `done` of `total` points and the seconds that are `left`.
 */
export interface ProgressEvent {
  t: "progress";
  job: "ingest" | "import" | "export" | "replay" | "track" | "model" | "detect" | "live" | "everything" | "train";
  fraction: number | null;
  message: string;
  model?: string;
  moving?: boolean;
  run?: number;
  direction?: "forward" | "backward" | "both" | "one" | "update";
  frame?: number;
  done?: number;
  total?: number;
  fps?: number;
  left?: number;
}
/**
 * A job has ended well.
 *
 * Of `export`: the file, `size` in bytes. Of `track`: whether it was `stopped` and what is then left to be done
 * (`direction`, `frame`), the object that was `lost`, if any, and on how many frames masks were computed (`changed`).
 * Of `replay`: `stopped` where its tracking was cancelled. Of `model`: its name; all masks are new ones. Of a run of
 * tracking that looked for what a text names: the `objects` that it made, and the `missing` phrases without one.
 * Of `everything`: whether it was `stopped`. Of `train`: `name` and `title` of the new model, and the scores `before`
 * and `after` on so many `masks` of `photos` that were not trained on; its weights are at `url`.
 */
export interface DoneEvent {
  t: "done";
  job: "ingest" | "import" | "export" | "replay" | "track" | "model" | "detect" | "live" | "everything" | "train";
  url?: string;
  name?: string;
  size?: number;
  run?: number;
  stopped?: boolean;
  lost?: number;
  direction?: "forward" | "backward" | "both" | "one" | "update";
  frame?: number;
  changed?: number;
  objects?: number[];
  missing?: string[];
  seq?: number;
  title?: string;
  before?: {
    [k: string]: number;
  };
  after?: {
    [k: string]: number;
  };
  photos?: number;
  masks?: number;
}
/**
 * Something went wrong. `text` may be shown; the others name what it is about. `too_large`: the files can be sent
 * once more to be scaled down. `quota`: a network on the CPU can go on.
 */
export interface ErrorEvent {
  t: "error";
  text: string;
  job?: "ingest" | "import" | "export" | "replay" | "track" | "model" | "detect" | "live" | "everything" | "train";
  seq?: number;
  run?: number;
  too_large?: boolean;
  quota?: boolean;
}
