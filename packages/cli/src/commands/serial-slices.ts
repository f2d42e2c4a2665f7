/** What one request takes (the server's limit), and what a claim may expect in all. */
const SERIALS_PER_REQUEST = 50_000;
export const SERIALS_IN_ALL = 1_000_000;

/** A long list in pieces that the server takes. */
export function* serialSlices(serials: readonly string[]): Generator<string[]> {
  for (let from = 0; from < serials.length; from += SERIALS_PER_REQUEST) {
    yield serials.slice(from, from + SERIALS_PER_REQUEST);
  }
}
