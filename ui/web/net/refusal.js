// The server's refusal of a request, in its words.

export class Refused extends Error {}

export async function refusalOf(answer) {
  const told = await answer.json().catch(() => ({})); // a proxy's own page
  return new Refused(told.error ?? 'The server did not take this. Try again.');
}
