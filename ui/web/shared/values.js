export const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
export const isPlain = value => value !== null && typeof value === 'object' && !Array.isArray(value);
