// What the name of a request's field means on a connection that was handed over. Clients spell the same names again and
// again, so what was found out of one is kept, bounded.

export interface FieldName {
  /** As `request.headers` has it. */
  readonly lower: string;
  /** Not copied as it stands, for what it says or for how it is spelled. */
  readonly isSpecial: boolean;
}

const special =
  /^(?:host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|content-length|upgrade|http2-settings|proxy-authenticate|proxy-authorization|expect|proxy|x-request-id|x-real-ip|forwarded|x-forwarded-.*)$|[^a-z0-9-]/i;

const known = new Map<string, FieldName>();
/** Spellings, and the length of each, in characters: a client that makes names up fills no memory. */
const mostKnown = 1000;
const longestKnown = 64;

export function readFieldName(name: string): FieldName {
  return known.get(name) ?? learn(name);
}

function learn(name: string): FieldName {
  const lower = name.toLowerCase();
  const read = { lower, isSpecial: special.test(name) };
  if (name.length <= longestKnown) {
    if (known.size >= mostKnown) known.clear();
    known.set(name, read);
  }
  return read;
}
