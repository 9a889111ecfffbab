// Names of files: as the user has them, and as a project has them.

const MAX_LENGTH = 600; // characters, of which an address may have nine times as many

/** @type {WeakMap<File, string>} */
const paths = new WeakMap();

/**
 * The path of a file as far as it is known, with slashes; else its name.
 * @param {File} file
 */
export const pathOf = file => paths.get(file) || file.webkitRelativePath || file.name;

/**
 * The path as it is sent; halves of characters, which no address can have, are replaced.
 * @param {File} file
 */
export const sentName = file =>
  pathOf(file)
    .slice(-MAX_LENGTH)
    .replace(/\p{Surrogate}/gu, '_');

/**
 * Sets the path of a file that the browser gives without one.
 * @param {File} file
 * @param {string} path
 */
const setPath = (file, path) => void paths.set(file, path);

/** @param {string} path */
const baseName = path => path.slice(path.lastIndexOf('/') + 1);

/** @param {string} name */
const fold = name => name.normalize('NFC').toLowerCase();

/**
 * The name that earlier versions gave to an uploaded file; projects that were saved then have it.
 * @param {string} name
 */
export function formerName(name) {
  const kept = [...name].slice(-120).filter(letter => /[\p{L}\p{N} ._()-]/u.test(letter));
  const trimmed = kept.join('').replace(/^[ .]+|[ .]+$/g, '') || 'upload';
  const [, stem, ending] = /^(.*)\.([^.]{0,8})$/s.exec(trimmed) ?? ['', trimmed, ''];
  const short = [...stem].slice(0, 79 - ending.length).join('');
  return `${short.replace(/^[ .]+|[ .]+$/g, '') || 'media'}${ending && `.${ending}`}`;
}

/**
 * Whether a file with this path is called `name` in a project.
 * @param {string} name
 * @param {string} path
 */
export function isCalled(name, path) {
  const [own, wanted] = [fold(path), fold(name)];
  return (
    own === wanted || own.endsWith(`/${wanted}`) || wanted.endsWith(`/${own}`) || formerName(baseName(path)) === name
  );
}

/**
 * Sorts files as a project names them; files that it does not name come first. Where it names all of them, they get its
 * paths, since a file from the browser's database has none.
 * @param {File[]} files
 * @param {string[]} names
 */
export function sortByNames(files, names) {
  /** @param {File} file */
  const placeOf = file => names.findIndex(name => isCalled(name, pathOf(file)));
  files.sort((one, other) => placeOf(one) - placeOf(other));
  if (files.length !== names.length) return;
  for (const [place, file] of files.entries())
    if (pathOf(file) === file.name && baseName(names[place]) === file.name) setPath(file, names[place]);
}

/**
 * The beginning of the name of a file to download.
 * @param {string} name
 */
export const downloadStem = name =>
  name
    .replace(/(?<=[^/])\.[^./]*$/, '')
    .replace(/[<>:"/\\|?*]/g, '_')
    .replace(/^[ .]+|[ .]+$/g, '') || 'masklet';
