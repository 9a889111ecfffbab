// Settings that outlive a visit, in the browser's local storage, which may be forbidden.

/** @param {string} name */
export function loadSetting(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function saveSetting(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // it holds for this visit
  }
}
