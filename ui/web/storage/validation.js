// Checks of files that may come from anywhere. All throw BadProject.

import { isPlain } from '../shared/values.js';

export class BadProject extends Error {}
export class NoProject extends BadProject {}

const damaged = () => new BadProject('This project file is damaged: it cannot be read.');
export const isWhole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;
export const isObjectId = value => isWhole(value, 1, 1e6);
export const areNumbers = (value, count) =>
  Array.isArray(value) && value.length === count && value.every(Number.isFinite);

export function check(right) {
  if (!right) throw damaged();
}

export function readMedium(plain) {
  check(isPlain(plain) && typeof plain.name === 'string' && ['image', 'clip', 'album'].includes(plain.kind));
  const { name, kind, frames: count, height, width, fps } = plain;
  check(isWhole(count, 1, 1e7) && isSize([height, width]) && Number.isFinite(fps));
  return {
    name: name.slice(0, 200),
    kind,
    frames: count,
    height,
    width,
    fps,
    ...(kind === 'album' ? readPhotos(plain) : {}),
  };
}

const isSize = value => Array.isArray(value) && value.length === 2 && value.every(side => isWhole(side, 1, 1e5));

function readPhotos({ frames: count, sizes, names }) {
  check(Array.isArray(sizes) && sizes.length === count && sizes.every(isSize));
  check(Array.isArray(names) && names.length === count && names.every(name => typeof name === 'string'));
  return { sizes, names: names.map(name => name.slice(0, 200)) };
}

export const sizeOn = (frame, { sizes, height, width }) => sizes?.[frame] ?? [height, width];
