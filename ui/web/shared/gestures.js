// Two fingers and the wheel.

/** @typedef {{ distance: number, x: number, y: number }} Pinch */

/**
 * The first two of several pointers: how far apart they are, and the middle between them, in CSS pixels of the canvas.
 * @param {Map<number, { x: number, y: number }>} pointers
 * @param {Element} canvas
 * @returns {Pinch}
 */
export function pinchOf(pointers, canvas) {
  const [a, b] = [...pointers.values()];
  const corner = canvas.getBoundingClientRect();
  return {
    distance: Math.hypot(a.x - b.x, a.y - b.y),
    x: (a.x + b.x) / 2 - corner.left,
    y: (a.y + b.y) / 2 - corner.top,
  };
}

/**
 * Pixels that a step of the wheel stands for.
 * @param {WheelEvent} event
 */
export const wheelUnit = event => (event.deltaMode === 1 ? 16 : 1);

/**
 * By which factor the wheel zooms. Fingers that pinch on a touchpad come as Ctrl+wheel.
 * @param {WheelEvent} event
 */
export const wheelFactor = event =>
  Math.exp(-event.deltaY * wheelUnit(event) * (event.ctrlKey || event.metaKey ? 0.004 : 0.002));
