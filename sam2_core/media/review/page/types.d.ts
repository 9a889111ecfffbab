// Types of the review page. What it shares with the application's page (Size, Position, Rect) is in ui/web/types.d.ts.

/** An object of the reviewed masks. */
interface ReviewedObject {
  id: number;
  name: string;
  label: string;
  color: string;
}

interface ReviewedMedium {
  kind: 'image' | 'clip' | 'album';
  name: string;
  frames: number;
  height: number;
  width: number;
  fps: number;
  sizes?: [height: number, width: number][];
  names?: string[];
}

/** The data that document.py embeds. */
interface ReviewData {
  review: string;
  medium: ReviewedMedium;
  /** The frames of the source that are here; a "place" is an index into them. */
  frames: number[];
  /** In seconds, one for each of `frames`. */
  times: number[];
  left_out: number;
  objects: ReviewedObject[];
  /** What is known of each object's masks, by its id and the place. */
  found: Record<number, (FoundMask | null)[]>;
}

/** With the worst warning, if there is one. */
type FoundMask = [
  predicted_iou: number,
  area: number,
  rating: Rating | null,
  warning?: import('../../../../ui/web/protocol').WarningData['kind'],
  score?: number,
];

/** A frame as it is embedded: base64 of a WebP picture and of the masks' PNGs, which are `grid` pixels large. */
interface EmbeddedFrame {
  picture: string;
  grid: [width: number, height: number];
  masks: { object: number; place: [x: number, y: number, width: number, height: number]; png: string }[];
}

/** A mask in its color, and where it lies in pixels of the source; `scale` is pixels of the source a pixel of `fill`. */
interface ReviewSprite {
  object: number;
  fill: HTMLCanvasElement;
  scale: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

interface DecodedFrame {
  frame: number;
  bitmap: ImageBitmap;
  sprites: ReviewSprite[];
  bytes: number;
}

type ReviewVerdict = '' | 'approved' | 'needs_work';
type ReviewEffect = 'overlay' | 'outline' | 'spotlight' | 'cutout' | 'off';

/** A comment on an object. */
interface ObjectReview {
  verdict: ReviewVerdict;
  comment: string;
}

interface PinnedNote {
  frame: number;
  x: number;
  y: number;
  text: string;
  object?: number;
  /** When it was written, in ISO 8601. */
  at: string;
}

/** A note that is being written. */
interface DraftNote {
  frame: number;
  x: number;
  y: number;
  pin: HTMLElement;
}

interface ReviewState {
  place: number;
  playing: boolean;
  effect: ReviewEffect;
  /** In percent. */
  strength: Record<ReviewEffect, number>;
  /** Objects that are not shown. */
  hidden: Set<number>;
  /** The decoded frame on the canvas. */
  shown: DecodedFrame | null;
  /** The note that is edited or was jumped to. */
  chosen: PinnedNote | null;
  draft: DraftNote | null;
  /** Nothing is lost if the page is closed now. */
  sent: boolean;
}

/** Elements of page.html by their class; those that are not listed are plain HTMLElements. */
interface ReviewElements {
  editor: HTMLFormElement;
  'editor-delete': HTMLButtonElement;
  'editor-object': HTMLSelectElement;
  'editor-text': HTMLTextAreaElement;
  comment: HTMLTextAreaElement;
  'go-first': HTMLButtonElement;
  'go-last': HTMLButtonElement;
  'go-next': HTMLButtonElement;
  'go-play': HTMLButtonElement;
  'go-previous': HTMLButtonElement;
  heat: HTMLCanvasElement;
  'help-close': HTMLButtonElement;
  'help-dialog': HTMLDialogElement;
  'notes-next': HTMLButtonElement;
  'notes-previous': HTMLButtonElement;
  picture: HTMLCanvasElement;
  'reviewer-name': HTMLInputElement;
  scrub: HTMLInputElement;
  'send-close': HTMLButtonElement;
  'send-dialog': HTMLDialogElement;
  'send-name': HTMLInputElement;
  'send-text': HTMLTextAreaElement;
  'strength-value': HTMLInputElement;
  'zoom-fit': HTMLButtonElement;
  'zoom-in': HTMLButtonElement;
  'zoom-out': HTMLButtonElement;
}
