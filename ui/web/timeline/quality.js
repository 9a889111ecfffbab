// How suspicious a mask is, 0 to 1, and why. Pure functions of numbers: nothing here knows the page.
//
// The rule: the worst of four signs counts. A frame on which the user said something is never suspicious.
//   lost                the network thinks that the object is not there: the sigmoid of minus its presence score, so 0.5
//                       where it wavers; an empty mask counts fully beside a frame on which the object is, else half
//   low predicted IoU   0 from 0.85 upwards, 1 from 0.35 downwards
//   area jumped         against the middle one of the last three areas, so that the frame after an odd one is not blamed: 0
//                       up to a factor of 1.4, 1 from a factor of 3.2; small masks flicker, so a 5000th of the frame is
//                       added to both
//   covers the frame    0 up to three quarters of the frame, 1 from nine tenths
// From SUSPICIOUS on a frame is worth a look.

export const SUSPICIOUS = 0.5;
const GOOD_IOU = 0.85;
const BAD_IOU = 0.35;
const FAIR_FACTOR = 1.4;
const WILD_FACTOR = 3.2;
const GRAIN = 1 / 5000;
const LARGE_SHARE = 0.75;
const WHOLE_SHARE = 0.9;
const REMAINS_LOST = 0.5;

const between = (value, none, full) => Math.max(0, Math.min(1, (value - none) / (full - none)));

// `here` is {quality, presence, area}, `earlier` the same of the frames before, the nearest first, `after` of the next one;
// undefined where nothing is known. `pixels` is the frame's area.
export function suspicionOf(here, earlier, after, pixels) {
  const signs = here.area
    ? seenSigns(here, earlier, pixels)
    : [[earlier[0]?.area || after?.area ? 1 : REMAINS_LOST, 'lost']];
  const [score, reason] = signs.reduce((worst, sign) => (sign[0] > worst[0] ? sign : worst));
  return { score, reason: score > 0 ? reason : '' };
}

function seenSigns(here, earlier, pixels) {
  const usual = middle(earlier.filter(facts => facts?.area).map(facts => facts.area)) ?? here.area;
  const grown = Math.abs(Math.log((here.area + GRAIN * pixels) / (usual + GRAIN * pixels)));
  return [
    [here.area >= pixels * LARGE_SHARE ? between(here.area / pixels, LARGE_SHARE, WHOLE_SHARE) : 0, 'covers the frame'],
    [between(grown, Math.log(FAIR_FACTOR), Math.log(WILD_FACTOR)), 'area jumped'],
    [between(here.quality, GOOD_IOU, BAD_IOU), 'low predicted IoU'],
    [1 / (1 + Math.exp(here.presence)), 'lost'],
  ];
}

// The nearest of two, the median of three.
const middle = areas => (areas.length < 3 ? areas[0] : [...areas].sort((a, b) => a - b)[1]);

// Of each stretch of suspicious frames the worst one, the first of equals. `scores` has a number per frame.
export function worstFrames(scores) {
  const worst = [];
  for (let frame = 0, inside = false; frame < scores.length; frame += 1) {
    const suspicious = scores[frame] >= SUSPICIOUS;
    if (suspicious && !inside) worst.push(frame);
    else if (suspicious && scores[frame] > scores[worst.at(-1)]) worst[worst.length - 1] = frame;
    inside = suspicious;
  }
  return worst;
}

// The frame after `frame` in that direction, around the end if need be; `marked` goes up.
export function nextAfter(marked, frame, step) {
  const ahead = marked.filter(other => (other - frame) * step > 0);
  return step > 0 ? (ahead[0] ?? marked[0]) : (ahead.at(-1) ?? marked.at(-1));
}
