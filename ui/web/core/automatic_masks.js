// Which of the automatic masks of a frame are shown. The twin in Python is sam2_core/serving/automatic_filter.py; both are
// tested on tests/automatic_mask_cases.json.

/** @import { AutomaticMaskData } from '../protocol.js' */

/** @typedef {Pick<AutomaticMaskData, 'predicted_iou' | 'stability' | 'area' | 'place' | 'crop'>} FilteredMask */
/**
 * Masks stay that have a predicted IoU above `min_predicted_iou` (0 keeps all) and at least `min_stability`; of two whose
 * boxes overlap by an IoU of more than `max_overlap`, the better one. Of these, those are shown that have `min_area` to
 * `max_area` pixels (null: no limit) and a box at least `edge_distance` pixels away from the edges of the frame.
 * @typedef {object} MaskFilter
 * @property {number} min_predicted_iou
 * @property {number} min_stability
 * @property {number} max_overlap
 * @property {number} [min_area]
 * @property {number | null} [max_area]
 * @property {number} [edge_distance]
 */

/**
 * Indices of the masks that stay, best first: by predicted IoU, of equal ones the earlier. As in the official generator,
 * overlapping masks of one crop are decided by predicted IoU, and then those of different crops by the size of the crop: the
 * smaller one wins.
 * @param {FilteredMask[]} masks
 * @param {MaskFilter} chosen
 * @param {Size} frame
 */
export function filterMasks(masks, chosen, frame) {
  const score = (/** @type {number} */ index) => masks[index].predicted_iou;
  /** @type {Map<string, number[]>} */
  const crops = new Map();
  masks.forEach((mask, index) => {
    if (!passes(mask, chosen)) return;
    const members = crops.get(`${mask.crop}`) ?? [];
    members.push(index);
    crops.set(`${mask.crop}`, members);
  });
  let kept = [...crops.values()].flatMap(members => suppressOverlaps(members, score, masks, chosen.max_overlap));
  if (crops.size > 1) kept = suppressOverlaps(kept, index => 1 / cropArea(masks[index]), masks, chosen.max_overlap);
  return kept
    .filter(index => isShown(masks[index], chosen, frame))
    .sort((one, other) => score(other) - score(one) || one - other);
}

/**
 * @param {FilteredMask} mask
 * @param {MaskFilter} chosen
 */
const passes = ({ predicted_iou, stability }, { min_predicted_iou, min_stability }) =>
  (min_predicted_iou <= 0 || predicted_iou > min_predicted_iou) && stability >= min_stability;

/**
 * @param {FilteredMask} mask
 * @param {MaskFilter} chosen
 * @param {Size} frame
 */
function isShown({ area, place }, { min_area = 0, max_area = null, edge_distance = 0 }, frame) {
  const [x, y, width, height] = place;
  const distance = Math.min(x, y, frame.width - x - width, frame.height - y - height);
  return area >= min_area && (max_area === null || area <= max_area) && distance >= edge_distance;
}

/** @param {FilteredMask} mask */
const cropArea = ({ crop: [left, top, right, bottom] }) => (right - left) * (bottom - top);

/**
 * Non-maximum suppression: those of the masks whose box no better one overlaps that was kept itself, best first. Of equal
 * scores the earlier one is better.
 * @param {number[]} members indices of masks
 * @param {(index: number) => number} score
 * @param {FilteredMask[]} masks
 * @param {number} maxOverlap
 */
function suppressOverlaps(members, score, masks, maxOverlap) {
  /** @type {number[]} */
  const kept = [];
  const best = [...members].sort((one, other) => score(other) - score(one)); // a stable sort
  for (const index of best)
    if (!kept.some(other => boxOverlap(masks[other].place, masks[index].place) > maxOverlap)) kept.push(index);
  return kept;
}

/**
 * IoU of the boxes of two masks, each from its first to its last pixel, which the official thresholds assume: NaN for two
 * masks of one pixel. In single precision, so that borderline cases come out as on the server.
 * @param {Place} one
 * @param {Place} other
 */
export function boxOverlap([x, y, width, height], [otherX, otherY, otherWidth, otherHeight]) {
  const { fround } = Math;
  const sharedWidth = Math.min(x + width, otherX + otherWidth) - 1 - Math.max(x, otherX);
  const sharedHeight = Math.min(y + height, otherY + otherHeight) - 1 - Math.max(y, otherY);
  const area = fround((width - 1) * (height - 1));
  const otherArea = fround((otherWidth - 1) * (otherHeight - 1));
  const shared = fround(Math.max(0, sharedWidth) * Math.max(0, sharedHeight));
  return fround(shared / fround(fround(area + otherArea) - shared));
}
