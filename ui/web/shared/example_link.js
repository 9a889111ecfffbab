// Links to this page's examples: `?example=NAME` opens one. Nothing of what users bring can be linked to.

export const EXAMPLE_PARAMETER = 'example';
const THIS_COMPUTER = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * A link for others that opens an example; '' where only this computer can open the page.
 * @param {Pick<Location, 'origin' | 'pathname' | 'hostname'>} page
 * @param {Example | undefined} example
 */
export function linkTo({ origin, pathname, hostname }, example) {
  if (!example || THIS_COMPUTER.test(hostname)) return '';
  return `${origin}${pathname}?${EXAMPLE_PARAMETER}=${encodeURIComponent(example.name)}`;
}
