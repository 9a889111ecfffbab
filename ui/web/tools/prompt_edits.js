// Prompts as plain data: what kind one is, and new ones made from it.

import { isEmpty } from '../core/edit_log.js';
import { roundToTenth } from './shapes.js';

/** @param {Prompt} prompt */
export const isOnlyMask = prompt => !!prompt.mask && !prompt.points?.length && !prompt.boxes?.length && !prompt.crop;

/** @param {Prompt} prompt */
export const isSinglePoint = ({ points, boxes, mask, crop }) =>
  points?.length === 1 && !boxes?.length && !mask && !crop;

/**
 * @param {Prompt} prompt
 * @param {Position[]} positions
 * @param {boolean} negative
 * @param {number} max how many points one may hold
 * @returns {Prompt}
 */
export function withPoints(prompt, positions, negative, max) {
  const added = positions.map(position => /** @type {Point} */ ([...roundToTenth(position), negative ? 0 : 1]));
  return { ...prompt, points: [...(prompt.points ?? []), ...added].slice(0, max) };
}

/**
 * Without empty fields, and without the picked candidate where the first point is not the one of the prompt before: it
 * belongs to that point.
 * @param {Prompt} prompt
 * @param {Prompt} before
 */
export function tidyPrompt({ points, boxes, mask, crop, choice }, before) {
  /** @type {Prompt} */
  const tidy = {};
  if (points?.length) tidy.points = points;
  if (boxes?.length) tidy.boxes = boxes;
  if (mask) tidy.mask = mask;
  if (crop) tidy.crop = crop;
  const isSamePoint = String(points?.[0]) === String(before.points?.[0]);
  if (choice !== undefined && isSamePoint && !isEmpty(tidy)) tidy.choice = choice;
  return tidy;
}
