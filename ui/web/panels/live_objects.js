// The objects of the live camera: their prompts, their newest masks, and what becomes of them where the server has lost them.

import { about } from '../core/page.js';
import { encodeRuns, opaque } from '../core/run_lengths.js';
import { canvasOf } from '../shared/canvas.js';
import { drawSprite } from '../viewport/sprites.js';

/**
 * `revision` is that of the last answer to a prompt; `prompt` is what was asked for on the frame `prompted`.
 * @typedef {{ record: MaskRecord | null; revision: number; prompted: number; prompt: Prompt }} LiveObject
 */

export class LiveObjects {
  /** @type {Map<number, LiveObject>} */
  byId = new Map();
  /** The object that clicks are about. */
  active = 1;

  /** @param {number} id */
  color(id) {
    return about.colors[(id - 1) % about.colors.length];
  }

  /** The next click starts another object; false where there are too many. */
  startNew() {
    if (this.byId.size >= about.max_objects) return false;
    if (this.byId.has(this.active)) this.active = Math.max(0, ...this.byId.keys()) + 1;
    return true;
  }

  /** @param {number} id */
  remove(id) {
    this.byId.delete(id);
    if (this.active === id) this.active = Math.max(0, ...this.byId.keys()) || 1;
  }

  clear() {
    this.byId.clear();
    this.active = 1;
  }

  /** Forgets objects of which there is no mask: their prompt was refused. */
  dropUnanswered() {
    for (const [id, { record }] of this.byId) if (!record) this.remove(id);
  }

  /**
   * The whole prompt of the active object on a frame after a click or a box on it.
   * @param {number} frame
   * @param {{ point?: Point; box?: Box }} added
   * @returns {Prompt}
   */
  promptWith(frame, { point, box }) {
    const object = this.byId.get(this.active) ?? { record: null, revision: 0, prompted: -1, prompt: {} };
    const before = object.prompted === frame ? object.prompt : {};
    const { points = [], boxes = [] } = before;
    object.prompt = box ? { boxes: [box] } : { points: [...points, .../** @type {Point[]} */ ([point])], boxes };
    object.prompted = frame;
    this.byId.set(this.active, object);
    return object.prompt;
  }

  /**
   * Takes masks that the server has sent, unless a newer prompt has been answered already.
   * @param {LiveMasksMessage} event
   */
  take({ objects, revision, object: answered }) {
    for (const record of objects) {
      const object = this.byId.get(record.id);
      if (!object || revision < object.revision) continue;
      object.record = record;
      if (answered) object.revision = revision;
    }
  }

  /** The masks as they are drawn. */
  async sprites() {
    const masked = [...this.byId].filter(([, { record }]) => record?.area);
    const drawn = masked.map(([id, { record }]) =>
      drawSprite(/** @type {MaskRecord} */ (record), this.color(id)).catch(() => null),
    );
    return (await Promise.all(drawn)).filter(sprite => sprite !== null);
  }

  /**
   * The newest masks as prompts, of the objects that are in sight.
   * @param {Size} size of the frames
   * @returns {Promise<{ object: number; prompt: Prompt }[]>}
   */
  async maskPrompts({ width, height }) {
    const found = [];
    for (const [object, { record }] of this.byId) {
      if (!record?.area) continue;
      const [canvas, context] = canvasOf(width, height);
      const bitmap = await createImageBitmap(record.png);
      context.drawImage(bitmap, record.place[0], record.place[1]);
      bitmap.close();
      found.push({ object, prompt: { mask: encodeRuns(opaque(canvas), width, height) } });
    }
    return found;
  }

  /**
   * After the server has lost all objects: those that can be set again by their masks stay. Returns the others.
   * @param {number[]} kept
   */
  restart(kept) {
    const lost = [...this.byId.keys()].filter(id => !kept.includes(id));
    for (const id of lost) this.remove(id);
    for (const object of this.byId.values()) Object.assign(object, { revision: 0, prompted: -1, prompt: {} });
    return lost;
  }
}
