// What the router wrote, read as the narrowest program at the next hop would: the canonical form of everything and no
// other. Where two programs could read a byte differently, this one refuses.
import { must } from './finding.ts';
import type { Exchange } from './input.ts';
import type { Lines } from './transcript.ts';

export interface StrictMessage {
  /** Method and target, or status and reason. */
  readonly gist: string;
  readonly lines: Lines;
  readonly isChunked: boolean;
  readonly body: string;
  readonly trailers: Lines;
  /** False: the text ends before the message does. */
  readonly isEnded: boolean;
}

interface Head {
  readonly start: readonly string[];
  readonly lines: Lines;
  readonly end: number;
}

const rule = 'strict view';
const requestLine = /^([A-Z-]{1,32}) ((?:\/[\x21\x22\x24-\x7e]*)|\*) HTTP\/1\.1$/;
const statusLine = /^HTTP\/1\.1 ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const visible = '[\\x21-\\x7e\\x80-\\xff]';
const fieldLine = new RegExp(`^([!#$%&'*+.^_\`|~0-9A-Za-z-]+): ((?:${visible}(?:[\\t ]*${visible})*)?)$`);

/** Requests, as a worker gets them. */
export function readStrictRequests(text: string): readonly StrictMessage[] {
  const messages: StrictMessage[] = [];
  for (let at = 0; at < text.length;) {
    const { start, lines, end } = readHead(text, at, requestLine);
    mustBeOneRequest(lines);
    const message = readMessage(text, end, { gist: `${start[1] ?? ''} ${start[2] ?? ''}`, lines, whole: 0 });
    messages.push(message.read);
    at = message.end;
  }
  return messages;
}

/** Answers, as a client gets them; interim ones are read as whole messages without a body. */
export function readStrictResponses(text: string, exchanges: readonly Exchange[]): readonly StrictMessage[] {
  const messages: StrictMessage[] = [];
  let answered = 0;
  for (let at = 0; at < text.length;) {
    const { start, lines, end } = readHead(text, at, statusLine);
    const status = Number(start[1]);
    const isHead = exchanges[answered]?.method === 'HEAD';
    mustBeOneResponse(status, lines);
    const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
    const gist = `${status} ${start[2] ?? ''}`;
    const message = hasBody
      ? readMessage(text, end, { gist, lines, whole: Number.POSITIVE_INFINITY })
      : { read: { gist, lines, isChunked: false, body: '', trailers: [], isEnded: true }, end };
    messages.push(message.read);
    at = message.end;
    if (status >= 200) answered++;
    if (status === 101) must(rule, at === text.length, 'bytes behind a 101');
  }
  return messages;
}

function readHead(text: string, at: number, startLine: RegExp): Head {
  const empty = text.indexOf('\r\n\r\n', at);
  must(rule, empty !== -1, 'a head without an end');
  const [first = '', ...rest] = text.slice(at, empty).split('\r\n');
  const start = startLine.exec(first);
  must(rule, start !== null, () => `start line ${JSON.stringify(first)}`);
  return { start: start ?? [], lines: rest.map(readLine), end: empty + 4 };
}

function readLine(line: string): readonly [string, string] {
  const parts = fieldLine.exec(line);
  must(rule, parts !== null, () => `field line ${JSON.stringify(line)}`);
  return [(parts?.[1] ?? '').toLowerCase(), parts?.[2] ?? ''];
}

function valuesOf(lines: Lines, name: string): readonly string[] {
  return lines.filter((line) => line[0] === name).map((line) => line[1]);
}

/** Never for the next hop, or never but from us. */
const neverForwarded =
  /^(?:te|keep-alive|proxy|proxy-(?:connection|authenticate|authorization)|http2-settings|expect)$/;

function mustBeOneRequest(lines: Lines): void {
  must(rule, valuesOf(lines, 'host').length === 1, 'Host exactly once');
  mustHaveOneFraming(lines);
  for (const [name] of lines) {
    must(rule, /^[a-z0-9-]+$/.test(name), () => `the name ${name}, which gateways take for another`);
    must(rule, !neverForwarded.test(name), () => `${name} was forwarded`);
  }
  const upgrades = valuesOf(lines, 'upgrade');
  const connections = valuesOf(lines, 'connection');
  must(rule, connections.join() === (upgrades.length === 1 ? 'Upgrade' : ''), 'Connection is not ours');
  must(rule, upgrades.length <= 1, 'Upgrade twice');
  const hasBody = [...valuesOf(lines, 'content-length'), ...valuesOf(lines, 'transfer-encoding')].some(
    (value) => value !== '0',
  );
  must(rule, upgrades.length === 0 || !hasBody, 'Upgrade with a body');
}

function mustBeOneResponse(status: number, lines: Lines): void {
  mustHaveOneFraming(lines);
  const hasFraming = lines.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  must(rule, !hasFraming || (status >= 200 && status !== 204), () => `framing fields in a ${status}`);
  must(rule, valuesOf(lines, 'upgrade').length === (status === 101 ? 1 : 0), () => `Upgrade in a ${status}`);
  const connections = valuesOf(lines, 'connection').join();
  const allowed = status === 101 ? ['Upgrade'] : status < 200 ? [''] : ['', 'close', 'keep-alive'];
  must(rule, allowed.includes(connections), () => `Connection: ${connections} in a ${status}`);
  for (const [name] of lines)
    must(
      rule,
      !/^(?:te|keep-alive|proxy-connection|proxy-authenticate|http2-settings)$/.test(name),
      () => `${name} forwarded`,
    );
}

function mustHaveOneFraming(lines: Lines): void {
  const lengths = valuesOf(lines, 'content-length');
  const codings = valuesOf(lines, 'transfer-encoding');
  must(rule, lengths.length + codings.length <= 1, 'more than one framing');
  must(
    rule,
    lengths.every((length) => /^(?:0|[1-9]\d{0,15})$/.test(length)),
    () => `Content-Length ${lengths.join()}`,
  );
  must(
    rule,
    codings.every((coding) => coding === 'chunked'),
    () => `Transfer-Encoding ${codings.join()}`,
  );
  must(rule, codings.length === 1 || valuesOf(lines, 'trailer').length === 0, 'Trailer without trailers');
}

interface HeadRead {
  readonly gist: string;
  readonly lines: Lines;
  /** How long a body without a framing is. */
  readonly whole: number;
}

/** `end` is where the next message begins. */
function readMessage(text: string, at: number, { gist, lines, whole }: HeadRead): { read: StrictMessage; end: number } {
  const head = { gist, lines };
  if (valuesOf(lines, 'transfer-encoding').length === 1) return readChunked(text, at, head);
  const length = Number(valuesOf(lines, 'content-length')[0] ?? whole);
  const end = Math.min(at + length, text.length);
  // What the connection's end delimits is whole or cut, as the connection ended.
  const isEnded = !Number.isFinite(length) || end === at + length;
  return { read: { ...head, isChunked: false, body: text.slice(at, end), trailers: [], isEnded }, end };
}

const sizeLine = /(0|[1-9a-f][0-9a-f]*)\r\n/y;

function readChunked(
  text: string,
  at: number,
  head: { gist: string; lines: Lines },
): { read: StrictMessage; end: number } {
  let body = '';
  for (let pos = at; ;) {
    if (pos === text.length) {
      return { read: { ...head, isChunked: true, body, trailers: [], isEnded: false }, end: pos };
    }
    sizeLine.lastIndex = pos;
    const [line = '', digits = ''] = sizeLine.exec(text) ?? [];
    must(rule, line !== '', () => `chunk size at ${JSON.stringify(text.slice(pos, pos + 20))}`);
    const start = pos + line.length;
    const size = Number.parseInt(digits, 16);
    if (size === 0) return readTrailers(text, start, { ...head, body });
    body += text.slice(start, start + size);
    must(rule, text.startsWith('\r\n', start + size), 'a chunk without its end');
    pos = start + size + 2;
  }
}

function readTrailers(
  text: string,
  at: number,
  head: { gist: string; lines: Lines; body: string },
): { read: StrictMessage; end: number } {
  const trailers: (readonly [string, string])[] = [];
  let pos = at;
  while (!text.startsWith('\r\n', pos)) {
    const end = text.indexOf('\r\n', pos);
    must(rule, end !== -1, 'trailers without an end');
    const line = readLine(text.slice(pos, end));
    must(rule, /^[a-z0-9-]+$/.test(line[0]), () => `the trailer ${line[0]}, which gateways take for another`);
    trailers.push(line);
    pos = end + 2;
  }
  return { read: { ...head, isChunked: true, trailers, isEnded: true }, end: pos + 2 };
}
