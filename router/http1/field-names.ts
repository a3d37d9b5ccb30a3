// The field names that some rule of ours depends on, as small numbers: policies decide by them without making a string.
// A name is recognised whatever its case, by length, first and last byte, and then byte for byte.

/** 0 is any other name. A key is the camel-case spelling of the field's name. */
export const fieldIds = {
  other: 0,
  host: 1,
  connection: 2,
  keepAlive: 3,
  proxyConnection: 4,
  te: 5,
  trailer: 6,
  transferEncoding: 7,
  contentLength: 8,
  upgrade: 9,
  expect: 10,
  date: 11,
  server: 12,
  via: 13,
  xForwardedFor: 14,
  xForwardedProto: 15,
  xForwardedHost: 16,
  xForwardedPort: 17,
  xRequestId: 18,
  xRealIp: 19,
  forwarded: 20,
  proxy: 21,
  proxyAuthenticate: 22,
  proxyAuthorization: 23,
  authorization: 24,
  accept: 25,
  cookie: 26,
  setCookie: 27,
  contentType: 28,
  contentEncoding: 29,
  contentRange: 30,
  userAgent: 31,
  referer: 32,
  retryAfter: 33,
  location: 34,
  http2Settings: 35,
  cacheControl: 36,
  origin: 37,
  range: 38,
  // From here on no rule of ours: known so that passing on what every browser and server sends makes no string.
  acceptEncoding: 39,
  acceptLanguage: 40,
  ifNoneMatch: 41,
  ifModifiedSince: 42,
  upgradeInsecureRequests: 43,
  priority: 44,
  secFetchSite: 45,
  secFetchMode: 46,
  secFetchDest: 47,
  secFetchUser: 48,
  secChUa: 49,
  secChUaMobile: 50,
  secChUaPlatform: 51,
  secWebsocketKey: 52,
  secWebsocketVersion: 53,
  secWebsocketExtensions: 54,
  secWebsocketProtocol: 55,
  secWebsocketAccept: 56,
  etag: 57,
  lastModified: 58,
  vary: 59,
  xPoweredBy: 60,
  // A rule of ours again: the router's own word on which generation answered.
  xEmperorGeneration: 61,
} as const;

/** Ids are below this; tables indexed by id have this length. */
export const fieldIdCount = Object.keys(fieldIds).length;

const names = Object.keys(fieldIds).map((key) =>
  key === 'other' ? '' : key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`),
);
/** No known name is longer. */
export const longestKnownName = 32;
/** Makes a capital lower case, and changes no digit or hyphen; other token bytes never become one of our letters. */
const lowerBit = 0x20;
const nameLengths = Uint8Array.from(names, (name) => name.length);
/** All names in one flat table, `longestKnownName` bytes each. */
const nameBytes = new Uint8Array(fieldIdCount * longestKnownName);
/** The first id of each hash, and after each id the next one with the same hash; 0 ends. */
const firstOfHash = new Uint8Array(256);
const nextOfHash = new Uint8Array(fieldIdCount);

/**
 * The names once more, as words: a word of a name must be `word` once the bytes behind the name are masked out by `mask`
 * and its letters made lower case by `lower`, which leaves any other byte alone: unlike lowerBit alone it makes no CR a hyphen.
 */
const wordsPerName = longestKnownName / 4;
const nameWords = new Int32Array(fieldIdCount * wordsPerName);
const nameMasks = new Int32Array(nameWords.length);
const nameLowers = new Int32Array(nameWords.length);

for (let id = fieldIdCount - 1; id > 0; id--) {
  const bytes = Uint8Array.from(names[id] ?? '', (char) => char.charCodeAt(0));
  nameBytes.set(bytes, id * longestKnownName);
  const hash = hashOf(bytes, 0, bytes.length);
  nextOfHash[id] = firstOfHash[hash] as number;
  firstOfHash[hash] = id;
  for (const [index, byte] of bytes.entries()) {
    const at = id * wordsPerName + (index >> 2);
    const shift = (index & 3) * 8;
    nameWords[at] = (nameWords[at] as number) | (byte << shift);
    nameMasks[at] = (nameMasks[at] as number) | (0xff << shift);
    if (byte >= 0x61) nameLowers[at] = (nameLowers[at] as number) | (lowerBit << shift);
  }
}

/** The id of the token in bytes[start, end), whatever its case; 0 where it is none of ours. */
export function findFieldId(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start) return 0;
  let id = firstOfHash[hashOf(bytes, start, end)] as number;
  while (id !== 0) {
    if (nameLengths[id] === end - start && isName(id, bytes, start)) return id;
    id = nextOfHash[id] as number;
  }
  return 0;
}

/**
 * The index behind the name of that id, if that is what the words from `start` on spell in any case; else -1. Any byte may be
 * there: only a name is taken for one. `start + longestKnownName` must lie within the words.
 */
export function endOfName(id: number, words: DataView, start: number): number {
  const length = nameLengths[id] as number;
  const first = id * wordsPerName;
  for (let offset = 0, at = first; offset < length; offset += 4, at++) {
    const word = words.getInt32(start + offset, true) & (nameMasks[at] as number);
    if ((word | (nameLowers[at] as number)) !== nameWords[at]) return -1;
  }
  return start + length;
}

/** The lower-case name of an id; `''` for 0. */
export function nameOfField(id: number): string {
  return names[id] ?? '';
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const first = (bytes[start] as number) | lowerBit;
  const last = (bytes[end - 1] as number) | lowerBit;
  return ((end - start) * 67 + first * 7 + last * 29) & 255;
}

function isName(id: number, bytes: Uint8Array, start: number): boolean {
  const offset = id * longestKnownName;
  const length = nameLengths[id] as number;
  for (let i = 0; i < length; i++) {
    if (((bytes[start + i] as number) | lowerBit) !== nameBytes[offset + i]) return false;
  }
  return true;
}
