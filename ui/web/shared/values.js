/**
 * @param {number} value
 * @param {number} min
 * @param {number} max
 */
export const clamp = (value, min, max) => Math.max(min, Math.min(max, value));

/**
 * Is it an object with fields?
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
export const isPlain = value => value !== null && typeof value === 'object' && !Array.isArray(value);
