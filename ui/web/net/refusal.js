/** The server refused a request; the message may be shown. */
export class Refused extends Error {}

/** @param {Response} response */
export async function refusalOf(response) {
  const { error } = await response.json().catch(() => ({})); // a proxy's own page
  return new Refused(error ?? 'The server did not take this. Try again.');
}
