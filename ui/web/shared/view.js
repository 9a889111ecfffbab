// How a frame lies on a canvas: x and y, where its corner lies, in CSS pixels; scale, CSS pixels a pixel of the frame;
// zoom, 1 where the whole frame is in sight; ratio, pixels of the screen a CSS pixel.

import { clamp } from './values.js';

/** @typedef {{ zoom: number, x: number, y: number, scale: number, ratio: number }} View */

/**
 * Fits canvases to the screen's resolution.
 * @param {View} view
 * @param {Size} room in CSS pixels
 * @param {HTMLCanvasElement[]} canvases
 */
export function fitCanvases(view, { width, height }, canvases) {
  view.ratio = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of canvases) {
    canvas.width = Math.round(width * view.ratio);
    canvas.height = Math.round(height * view.ratio);
  }
}

/**
 * Keeps the frame in sight: centered where it is smaller than the room, else without a gap.
 * @param {View} view
 * @param {Size} frame
 * @param {Size} room in CSS pixels
 */
export function placeFrame(view, frame, { width, height }) {
  view.scale = view.zoom * Math.min(width / frame.width, height / frame.height);
  const [wide, high] = [frame.width * view.scale, frame.height * view.scale];
  view.x = wide <= width ? (width - wide) / 2 : clamp(view.x, width - wide, 0);
  view.y = high <= height ? (height - high) / 2 : clamp(view.y, height - high, 0);
}

/**
 * Zooms; the place x, y of the canvas stays where it is.
 * @param {View} view
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @param {number} maxZoom
 */
export function zoomView(view, factor, x, y, maxZoom) {
  const zoom = clamp(view.zoom * factor, 1, maxZoom);
  const change = zoom / view.zoom;
  Object.assign(view, { zoom, x: x - (x - view.x) * change, y: y - (y - view.y) * change });
}

/**
 * A pointer's place in CSS pixels of the canvas.
 * @param {{ clientX: number, clientY: number }} event
 * @param {Element} canvas
 */
export function placeOnCanvas({ clientX, clientY }, canvas) {
  const { left, top } = canvas.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

/**
 * A pointer's place in pixels of the frame.
 * @param {View} view
 * @param {{ clientX: number, clientY: number }} event
 * @param {Element} canvas
 * @returns {[x: number, y: number]}
 */
export function placeInFrame(view, event, canvas) {
  const { x, y } = placeOnCanvas(event, canvas);
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

/**
 * From now on the context draws in pixels of the frame.
 * @param {View} view
 * @param {CanvasRenderingContext2D} context
 */
export function toFramePixels(view, context) {
  const scale = view.scale * view.ratio;
  context.setTransform(scale, 0, 0, scale, view.x * view.ratio, view.y * view.ratio);
}
