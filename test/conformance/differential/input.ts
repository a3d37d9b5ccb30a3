// What a client sends in the differential test: the request cases and well-formed requests, one behind the other, with
// bytes changed at random, and cut anywhere.
import fc from 'fast-check';
import { requestCases } from '../cases.ts';

export interface Input {
  /** Latin-1. Each is sent when the router has read the one before. */
  readonly pieces: readonly string[];
}

/** Larger cases are about limits, which the other suites reach on each transport; here they would take all the time. */
const longest = 3000;
const mostCuts = 3;
const mostEdits = 3;

const cases = requestCases()
  .filter(({ bytes }) => bytes.length <= longest)
  .map(({ bytes }) => bytes.toString('latin1'));

const chunked = 'POST /chunked HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

const plain = fc.constantFrom(
  'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'HEAD /head HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'GET /old HTTP/1.0\r\nHost: a.test\r\n\r\n',
  'GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n',
  'POST /sized HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\nhello world',
  `${chunked}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
  `${chunked}5;x=1\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n`,
  'POST /patient HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
);

const request = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...cases) }, { weight: 1, arbitrary: plain });

/** Bytes and words that mean something to a parser, and some that mean nothing. */
const insertion = fc.oneof(
  fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('\r\n', '\n', '\r', ' ', '\t', ':', ',', ';', '0', '0\r\n\r\n', '\r\n\r\n', '\0', 'chunked', 'close'),
);

const edit = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('set', 'insert', 'drop', 'double'),
  text: insertion,
  span: fc.integer({ min: 1, max: 8 }),
});

export const input: fc.Arbitrary<Input> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3 }),
    edits: fc.array(edit, { maxLength: mostEdits }),
    cuts: fc.array(fc.nat(), { maxLength: mostCuts }),
  })
  .map(({ requests, edits, cuts }) => {
    let text = requests.join('');
    for (const { at, what, text: inserted, span } of edits) {
      const from = at % (text.length + 1);
      const middle = text.slice(from, from + span);
      const changed = { set: inserted, insert: inserted + middle, drop: '', double: middle + middle }[what];
      text = text.slice(0, from) + changed + text.slice(from + span);
    }
    return { pieces: cutAt(text, cuts) };
  });

function cutAt(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}
