// What a file is for, by its name and type.

/** @param {File} file */
export const isVideo = file => file.type.startsWith('video/');
/** @param {File} file */
export const isProject = file => /\.json$/i.test(file.name) || file.type === 'application/json';
/** @param {File} file */
export const isAnnotations = file =>
  /\.(zip|txt|xml|csv|npz|jsonl|ndjson|gz|npy|pkl|pth?|h5|mat|tar|tgz|rar|7z)$/i.test(file.name);
/** @param {File} file */
export const isZip = file => /\.zip$/i.test(file.name);

const MIN_SEQUENCE = 3; // fewer numbered pictures are rather photos

/**
 * Whether files are numbered pictures whose names are equal else, as the frames of a clip are.
 * @param {File[]} files
 */
export function isSequence(files) {
  const stems = files.map(({ name }) =>
    name
      .replace(/\.[^.]*$/, '')
      .normalize('NFC')
      .toLowerCase(),
  );
  const letters = new Set(stems.map(stem => stem.replace(/[0-9]+/g, '#')));
  const numbers = new Set(stems.map(stem => (stem.match(/[0-9]+/g) ?? []).map(Number).join()));
  return files.length >= MIN_SEQUENCE && letters.size === 1 && numbers.size === files.length;
}
