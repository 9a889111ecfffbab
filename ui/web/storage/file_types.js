// What a file is for, by its name and type.

/** @param {File} file */
export const isVideo = file => file.type.startsWith('video/');
/** @param {File} file */
export const isProject = file => /\.json$/i.test(file.name) || file.type === 'application/json';
/** @param {File} file */
export const isAnnotations = file =>
  /\.(zip|txt|xml|csv|npz|jsonl|ndjson|gz|npy|pkl|pth?|h5|mat|tar|tgz|rar|7z)$/i.test(file.name);
