// Types that the modules share, known everywhere without an import. Coordinates are pixels of the original frame.

// --- prompts and masks ---

type Prompt = import('./protocol').PromptData;
type Point = [x: number, y: number, positive: 0 | 1];
type Box = [left: number, top: number, right: number, bottom: number];
type Position = [x: number, y: number];
/** Where the PNG of a mask lies in the frame. */
type Place = [left: number, top: number, width: number, height: number];

/** COCO's run lengths; a list is the uncompressed form. */
interface RunLengths {
  size: [height: number, width: number];
  counts: string | number[];
}

/** One candidate of an ambiguous click, with its PNG. */
type CandidateMask = import('./protocol').CandidateData & { png: Blob };
/** A mask of an object, with its PNG. */
type MaskRecord = Omit<import('./protocol').ObjectMaskData, 'candidates'> & {
  png: Blob;
  candidates?: CandidateMask[];
};
/** One of the masks of everything, with its PNG. */
type AutomaticMask = import('./protocol').AutomaticMaskData & { png: Blob };
/** What is known of a mask without its pixels. */
type MaskFacts = Pick<MaskRecord, 'predicted_iou' | 'area' | 'rating' | 'warnings'>;

/** A mask as a shape in its color. */
interface Sprite {
  path: Path2D;
  place: Place;
  color: string;
  /** Index into PATTERNS. */
  pattern: number | null;
  /** Whose it is, in the viewport. */
  object?: number;
}

// --- the edit log ---

interface Traits {
  name: string;
  label: string;
  color: string;
  /** Where the object stands in the list. */
  place: number;
  locked: boolean;
  /** The stage of the data engine in which its masks were made. */
  stage?: Stage;
  source?: MaskOrigin;
  /** Of a person's work on it. */
  seconds?: number;
  /** Of a mask that the model proposed. */
  predicted_iou?: number;
  stability_score?: number;
  rating?: Rating;
}

/** How good a mask probably is. */
type Rating = NonNullable<import('./protocol').CandidateData['rating']>;
type Stage = 'assisted' | 'semi-automatic' | 'automatic';
/** Who made a mask: a person, the model with a person's approval, or the model alone. */
type MaskOrigin = 'person' | 'confirmed' | 'automatic';

interface PromptEntry {
  frame: number;
  object: number;
  prompt: Prompt;
  forget?: undefined;
  traits?: undefined;
  track?: undefined;
  reject?: undefined;
}

interface ForgetEntry {
  /** The object that is removed. */
  forget: number;
  frame?: undefined;
  object?: undefined;
  prompt?: undefined;
  traits?: undefined;
  track?: undefined;
  reject?: undefined;
}

interface TraitsEntry {
  /** The object whose traits `set` changes. */
  traits: number;
  set: Partial<Traits>;
  frame?: undefined;
  object?: undefined;
  prompt?: undefined;
  forget?: undefined;
  track?: undefined;
  reject?: undefined;
}

interface TrackEntry {
  /** Start, stop and step of frames whose masks tracking computed. */
  track: [start: number, stop: number, step: 1 | -1];
  /** None: all that had prompts then. */
  objects?: number[];
  frame?: undefined;
  object?: undefined;
  prompt?: undefined;
  forget?: undefined;
  traits?: undefined;
  reject?: undefined;
}

interface RejectEntry {
  /** The frame on which the model proposed a mask that the user rejected. */
  reject: number;
  mask: RunLengths & { counts: string };
  predicted_iou?: number;
  stability_score?: number;
  /** Of a person's work on it. */
  seconds?: number;
  frame?: undefined;
  object?: undefined;
  prompt?: undefined;
  forget?: undefined;
  traits?: undefined;
  track?: undefined;
}

/** One change. `after`: the place of the last step that was there before. */
type Entry = (PromptEntry | ForgetEntry | TraitsEntry | TrackEntry | RejectEntry) & { after?: number };

/** A request that the connection has not numbered yet. */
type Unnumbered<R> = R extends unknown ? Omit<R, 'seq'> : never;
/** What brings the server in line with a step. */
type EditRequest = Unnumbered<
  import('./protocol').SetPromptRequest | import('./protocol').RemoveObjectRequest | import('./protocol').UntrackRequest
>;
/** A request that waits for its turn, with what the page remembers for the time of the answer. */
type QueuedRequest = (EditRequest | Unnumbered<import('./protocol').EditLogRequest>) & {
  seq?: number;
  /** When the user clicked. */
  since?: number;
  /** Nothing was lost: the user is not told about the progress of the replay. */
  quiet?: boolean;
  title?: string;
  onCancel?: (() => void) | null;
};
/** Masks as received; `question` is the request that they answer. */
type MasksMessage = Omit<import('./protocol').MasksEvent, 'objects' | 'step'> & {
  objects: MaskRecord[];
  step?: 1 | -1;
  question?: QueuedRequest;
};
/** Masks of a frame of the live camera, as received. */
type LiveMasksMessage = Omit<import('./protocol').LiveMasksEvent, 'objects'> & { objects: MaskRecord[] };
/** A hover preview as received. */
type PreviewMessage = Omit<import('./protocol').PreviewEvent, 'objects'> & { objects: MaskRecord[] };

/** Automatic masks as received. */
type AutomaticMasksMessage = Omit<import('./protocol').AutomaticMasksEvent, 'masks'> & { masks: AutomaticMask[] };

/** What one undo takes back. */
interface Step {
  entries: Entry[];
  /** The run of tracking that it is. */
  run?: number;
}

// --- what is open ---

/** `times` is left out of saved projects. */
type Medium = Omit<import('./protocol').MediumData, 'times'> & { times?: number[] | null };

interface Size {
  width: number;
  height: number;
}

interface FrameRange {
  first: number;
  last: number;
}

interface Example {
  name: string;
  title: string;
  kind: string;
  /** What to try with it; '' for what the gallery does not show. */
  idea: string;
}

/** The picture of the start screen, and masks of it that were computed beforehand. */
interface Hero {
  /** The name of the example. */
  picture: string;
  objects: { name: string; prompt: Prompt; mask: RunLengths & { counts: string }; predicted_iou: number }[];
}

/** What a project file holds: everything from which the user's work is restored. */
interface ProjectData {
  medium: Medium;
  /** The edit log. */
  journal: { steps: Step[]; length: number };
  /** Visibility of the objects. */
  look: { hidden: number[]; solo: number | null };
  /** null: the default preset. */
  effects: EffectStack | null;
  frame: number;
  active: number;
  range: FrameRange | null;
  reviews: Review[];
  /** A run of tracking that was stopped, which can be gone on with. */
  interrupted?: TrackingRun | null;
  /** The name of the example that it is about. */
  example?: string;
}

/** A project to restore; where its files are known depends on where it comes from. */
interface SavedProject extends ProjectData {
  /** Under which it is autosaved. */
  id?: string;
  /** Keys of its files in the database. */
  fileKeys?: string[];
  /** The files themselves, where it is still open. */
  source?: MediumSource | null;
  /** It begins with this page: nothing comes back. */
  isNew?: boolean;
}

/** A project in the database. */
interface ProjectRecord extends SavedProject {
  id: string;
  fileKeys: string[];
  /** Keys of its backdrops. */
  backdrops?: string[];
  /** When it was saved, in milliseconds since 1970. */
  at: number;
  /** How many there are. */
  objects: number;
  thumbnail: Blob | null;
  /** The tab that writes it. */
  owner?: string;
}

/** The session of a tab and, where there is room, its project. */
type TabRecord = {
  token: string;
  version: number;
  id?: string;
  training?: TrainingResult | null;
  page: string;
  /** How often masks were changed on the server before this page connected. */
  edits: number;
  /** How many steps the edit log has, to know it again. */
  steps: string;
  /** Edits that the server had not answered yet. */
  pending?: QueuedRequest[];
} & Partial<SavedProject>;

/** What a training brought, and the session and the version of the medium that it belongs to. */
interface TrainingResult {
  token: string;
  version: number;
  /** Of the new model. */
  name: string;
  title: string;
  former: { name: string; title: string };
  /** Scores by name. */
  before: Record<string, number>;
  after: Record<string, number>;
  /** That were measured. */
  photos: number;
  masks: number;
  /** Of the weights. */
  url: string;
  /** In bytes. */
  size: number;
}

/** From where a medium can be opened again. */
interface MediumSource {
  file?: File;
  files?: File[];
  example?: Example;
  /** Photos are added to those that are open. */
  added?: boolean;
}

/** A medium that is being opened, with the project that is restored on it. */
type OpeningSource = MediumSource & { project?: SavedProject | null };

/** What is open, as it is autosaved. */
interface OpenProject {
  id: string;
  fileKeys: string[];
  /** Keys of files that are in the database already. */
  savedFiles: Set<string>;
  thumbnail: Blob | null;
}

// --- effects, reviews, jobs ---

interface EffectLayer {
  effect: string;
  [setting: string]: number | string;
}

type Edge = 'feather' | 'matte';
type EffectStack = { layers: EffectLayer[] } & Partial<Record<Edge, number>>;

interface ReviewNote {
  frame: number;
  x: number;
  y: number;
  text: string;
  object?: number;
  at: string;
  done: boolean;
}

interface Review {
  review: string;
  reviewer: string;
  verdicts: Record<number, { verdict: string; comment: string }>;
  notes: ReviewNote[];
}

/** A run of tracking. */
type TrackingRun = import('./protocol').TrackingRunData;

type ModelState = Omit<import('./protocol').ModelEvent, 't'>;

/** What is on the canvases. */
interface ShownFrame {
  /** -1: nothing. */
  frame: number;
  bitmap: ImageBitmap | null;
  /** The frame as the effects paint it. */
  painted: ImageBitmap | null;
  frameTurn: number;
  sprites: Sprite[];
  masksTurn: number;
}

// --- the server's tables (ui/about.py) ---

interface Setting {
  title: string;
  kind: 'slider' | 'choice' | 'color' | 'text' | 'backdrop';
  default: number | string;
  low: number;
  high: number;
  choices: Record<string, string>;
}

interface EffectKind {
  title: string;
  sort: string;
  settings: Record<string, Setting>;
}

interface ExportKind {
  title: string;
  text: string;
  group: string;
  endings: Record<string, string>;
  takes: string[];
}

interface About {
  text_prompts: boolean;
  /** Where networks run on GPUs that are lent to visitors: the one that needs none, and the origin of the lender. */
  lent_gpus: { instead: string; lender: string } | null;
  max_objects: number;
  max_points: number;
  max_boxes: number;
  max_mask: number;
  max_message: number;
  max_prompts: number;
  /** 0: this server does not train. */
  max_train_minutes: number;
  max_upload_mb: number;
  max_pictures: number;
  max_frames: number;
  max_album_mb: number;
  max_live_side: number;
  max_layers: number;
  max_text: number;
  max_preview: number;
  examples: Example[];
  hero: Hero;
  colors: string[];
  kinds: Record<string, ExportKind>;
  effects: Record<string, EffectKind>;
  edges: Record<Edge, Setting>;
  presets: Record<string, EffectStack>;
}

// --- events of the page (shared/events.js) ---

type ConnectionStatus = 'off' | 'connecting' | 'on' | 'lost' | 'gone' | 'taken';

/** What listeners get; events that are not listed come without a detail. */
interface PageEvents {
  connection: ConnectionStatus;
  screen: 'start' | 'work';
  tab: string;
  tracked: { frame: number; step: number };
  queued: QueuedRequest;
  undone: Step;
  /** What was chosen is open and shown: the example, if it is one without earlier work. */
  'medium-opened': Example | undefined;
  'in-flight': QueuedRequest | null;
  painted: QueuedRequest;
  'project-chosen': File;
  'annotations-chosen': File;
  /** The object whose menu opens. */
  'object-menu': number;
  'server-hello': import('./protocol').HelloEvent;
  'server-model': import('./protocol').ModelEvent;
  'server-models': import('./protocol').ModelsEvent;
  'server-better_model': import('./protocol').BetterModelEvent;
  'server-detectors': import('./protocol').DetectorsEvent;
  'server-detected': import('./protocol').DetectedEvent;
  'server-queue': import('./protocol').QueueEvent;
  'server-opened': import('./protocol').OpenedEvent;
  'server-masks': MasksMessage;
  'server-preview': PreviewMessage;
  'server-live_started': import('./protocol').LiveStartedEvent;
  'server-live_masks': LiveMasksMessage;
  'server-automatic_started': import('./protocol').AutomaticStartedEvent;
  'server-automatic_masks': AutomaticMasksMessage;
  'server-stale': import('./protocol').StaleEvent;
  'server-object_removed': import('./protocol').ObjectRemovedEvent;
  'server-untracked': Answer<import('./protocol').UntrackedEvent>;
  'server-progress': import('./protocol').ProgressEvent;
  'server-done': Answer<import('./protocol').DoneEvent>;
  'server-error': Answer<import('./protocol').ErrorEvent>;
}

/** `question` is the request that the event answers. */
type Answer<E> = E & { question?: QueuedRequest };

// --- Gradio ---

interface GradioComponent {
  element: HTMLElement;
  props: { token: string; problem: string; issued: number; about: string };
  /** Calls the listener when a prop changes. */
  watch: (prop: string, listener: () => void) => void;
  /** Asks Python for a new session. */
  renew: () => void;
}

interface Window {
  gradio_config?: { root?: string };
  /** The language that the page is shown in, and its table, which is on its way; null where there is none (ui/document.py). */
  masklet_language?: { name: string; table: Promise<import('./shared/language.js').LanguageTable | null> };
}
