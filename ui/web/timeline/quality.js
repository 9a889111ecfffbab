// How suspicious a mask is, 0 to 1, and why. Pure functions of numbers.
//
// The worst of four signs counts:
//   lost                the network thinks that the object is not there: the sigmoid of minus its object score, so 0.5
//                       where it wavers; an empty mask counts fully beside a frame on which the object is, else half
//   low predicted IoU   0 from 0.85 upwards, 1 from 0.35 downwards
//   area jumped         against the median of the last three areas, so that the frame after an outlier is not suspicious: 0
//                       up to a factor of 1.4, 1 from a factor of 3.2; small masks flicker, so a 5000th of the frame is
//                       added to both
//   covers the frame    0 up to three quarters of the frame, 1 from nine tenths

/** From this score on a frame is worth a look. */
export const SUSPICIOUS = 0.5;
const GOOD_IOU = 0.85;
const BAD_IOU = 0.35;
const NORMAL_FACTOR = 1.4;
const LARGE_FACTOR = 3.2;
const MIN_AREA = 1 / 5000; // of the frame, added to both areas
const LARGE_SHARE = 0.75;
const WHOLE_SHARE = 0.9;
const STILL_LOST = 0.5;

/**
 * 0 at `none`, 1 at `full`, linear in between.
 * @param {number} value
 * @param {number} none
 * @param {number} full
 */
const ramp = (value, none, full) => Math.max(0, Math.min(1, (value - none) / (full - none)));

/** @typedef {{ score: number; reason: string }} Suspicion */

/**
 * @param {MaskFacts} facts
 * @param {(MaskFacts | undefined)[]} before of the frames before, the nearest first
 * @param {MaskFacts | undefined} after of the next frame
 * @param {number} pixels the area of the frame
 * @returns {Suspicion}
 */
export function suspicionOf(facts, before, after, pixels) {
  const signs = facts.area
    ? visibleSigns(facts, before, pixels)
    : [{ score: before[0]?.area || after?.area ? 1 : STILL_LOST, reason: 'lost' }];
  const worst = signs.reduce((one, other) => (other.score > one.score ? other : one));
  return worst.score > 0 ? worst : { score: worst.score, reason: '' };
}

/**
 * @param {MaskFacts} facts
 * @param {(MaskFacts | undefined)[]} before
 * @param {number} pixels
 * @returns {Suspicion[]}
 */
function visibleSigns({ area, predicted_iou, object_score }, before, pixels) {
  const usual = median(before.flatMap(facts => facts?.area || [])) ?? area;
  const growth = Math.abs(Math.log((area + MIN_AREA * pixels) / (usual + MIN_AREA * pixels)));
  return [
    { score: ramp(area / pixels, LARGE_SHARE, WHOLE_SHARE), reason: 'covers the frame' },
    { score: ramp(growth, Math.log(NORMAL_FACTOR), Math.log(LARGE_FACTOR)), reason: 'area jumped' },
    { score: ramp(predicted_iou, GOOD_IOU, BAD_IOU), reason: 'low predicted IoU' },
    { score: 1 / (1 + Math.exp(object_score)), reason: 'lost' },
  ];
}

/**
 * The median of three; of fewer the first.
 * @param {number[]} areas
 * @returns {number | undefined}
 */
const median = areas => (areas.length < 3 ? areas[0] : [...areas].sort((a, b) => a - b)[1]);

/**
 * Of each run of suspicious frames the worst one, the first of equals.
 * @param {ArrayLike<number>} scores of all frames
 */
export function worstFrames(scores) {
  /** @type {number[]} */
  const worst = [];
  for (let frame = 0, inside = false; frame < scores.length; frame += 1) {
    const suspicious = scores[frame] >= SUSPICIOUS;
    if (suspicious && !inside) worst.push(frame);
    else if (suspicious && scores[frame] > scores[worst[worst.length - 1]]) worst[worst.length - 1] = frame;
    inside = suspicious;
  }
  return worst;
}

/**
 * The frame of `marked`, in ascending order, that comes next in a direction, around the end if need be.
 * @param {number[]} marked
 * @param {number} frame
 * @param {number} step
 */
export function nextAfter(marked, frame, step) {
  const ahead = marked.filter(other => (other - frame) * step > 0);
  return step > 0 ? (ahead[0] ?? marked[0]) : (ahead.at(-1) ?? marked[marked.length - 1]);
}
