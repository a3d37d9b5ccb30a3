// What an app sees of a request on a connection that was handed over: the fields that the router would have sent
// (router/core/request-fields.ts). A request that is not plainly this app's is a stray: the router, whose parser is the
// stricter one, judges it. Pure.
import { readFieldName } from './field-names.ts';

/** What the router said of the connection. */
export interface Sender {
  /** The authority that its requests name, as its client writes it. */
  readonly host: string;
  /** Numeric address of the client; empty on a unix socket. */
  readonly address: string;
}

/** A request as Node's parser gives it. */
export interface ReceivedHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Names and values by turns. */
  readonly rawHeaders: readonly string[];
}

export interface TakenHead {
  /** Names and values by turns, as the app is to see them. */
  readonly fields: string[];
  /**
   * What Node makes of `fields` when somebody asks for `request.headers`, which it does itself for each request; undefined
   * where it has rules of its own for one of them. Made along with the fields it costs a third.
   */
  readonly headers: Record<string, string> | undefined;
  /** Content-Length; -1 where the body is chunked, 0 where there is none. */
  readonly bodyLength: number;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** The usual ones. What others mean, and whether there are such, is the router's to know. */
const methods: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** A path of the bytes that the router takes: visible ASCII without `#`. */
const plainPath = /^\/[!-"$-~]*$/;
const longestPath = 8000;
/** Names and values: what the router takes by default. */
const mostTexts = 400;

/** What is known of a head while its fields are read. */
interface Reading {
  readonly fields: string[];
  readonly headers: Record<string, string>;
  /** `headers` are as Node would make them. */
  isPlain: boolean;
  hosts: number;
  host: string;
  length: string | undefined;
  isChunked: boolean;
  expectsContinue: boolean;
  hasConnection: boolean;
  trailerAt: number;
  isStray: boolean;
}

/** The head that the app is to see; undefined where the request is a stray. */
export function readTakenHead(head: ReceivedHead, sender: Sender, requestId: string): TakenHead | undefined {
  if (!hasPlainLine(head) || head.rawHeaders.length > mostTexts) return undefined;
  const reading = readFields(head.rawHeaders);
  if (reading.isStray || reading.hosts !== 1 || !isSameHost(reading.host, sender.host)) return undefined;
  const { fields, headers, expectsContinue } = reading;
  const bodyLength = bodyLengthOf(reading);
  if (bodyLength === undefined || (expectsContinue && bodyLength === 0)) return undefined;
  complete(reading, sender, requestId);
  return { fields, headers: reading.isPlain ? headers : undefined, bodyLength, expectsContinue };
}

/** As in TakenHead; undefined where the fields disagree. */
function bodyLengthOf({ length, isChunked }: Reading): number | undefined {
  if (isChunked) return length === undefined ? -1 : undefined;
  return length === undefined ? 0 : Number(length);
}

/** Adds what is ours to say. */
function complete(reading: Reading, { address }: Sender, requestId: string): void {
  const { fields, headers, host, length, isChunked, trailerAt } = reading;
  if (trailerAt > 0 && !isChunked) fields.splice(trailerAt, 2);
  fields[1] = host;
  headers['host'] = host;
  if (address !== '') {
    fields.push('X-Forwarded-For', address);
    headers['x-forwarded-for'] = address;
  }
  fields.push('X-Forwarded-Proto', 'http', 'X-Forwarded-Host', host, 'X-Request-Id', requestId);
  headers['x-forwarded-proto'] = 'http';
  headers['x-forwarded-host'] = host;
  headers['x-request-id'] = requestId;
  if (isChunked) {
    fields.push('Transfer-Encoding', 'chunked');
    headers['transfer-encoding'] = 'chunked';
  } else if (length !== undefined) {
    fields.push('Content-Length', length);
    headers['content-length'] = length;
  }
}

function hasPlainLine({ method, url, httpVersion }: ReceivedHead): boolean {
  // HTTP/1.0 has rules of its own, for hosts, bodies and ends: the router knows them.
  if (httpVersion !== '1.1' || url === undefined || url.length > longestPath) return false;
  return methods.has(method) && plainPath.test(url);
}

function readFields(raw: readonly string[]): Reading {
  // The place of Host, which comes first, is filled when it is known.
  const fields = ['Host', ''];
  const reading: Reading = {
    fields,
    headers: { host: '' },
    isPlain: true,
    hosts: 0,
    host: '',
    length: undefined,
    isChunked: false,
    expectsContinue: false,
    hasConnection: false,
    trailerAt: 0,
    isStray: false,
  };
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const { lower, isSpecial } = readFieldName(name);
    if (isSpecial) readers.get(lower)?.(reading, value, name);
    else {
      fields.push(name, value);
      addHeader(reading, lower, value);
    }
  }
  return reading;
}

/** Node joins what comes twice, or drops it, or makes a list of it, as the name may be. */
function addHeader(reading: Reading, name: string, value: string): void {
  const { headers } = reading;
  if (headers[name] !== undefined || name === 'set-cookie') reading.isPlain = false;
  else headers[name] = value;
}

type Reader = (reading: Reading, value: string, name: string) => void;

/** Special names that are not among these are left out. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    'host',
    (reading, value) => {
      reading.hosts++;
      reading.host = value;
    },
  ],
  [
    'connection',
    (reading, value) => {
      // Other options name fields that are to be left out, or announce another protocol.
      if (reading.hasConnection || !/^(?:keep-alive|close)$/i.test(value)) reading.isStray = true;
      reading.hasConnection = true;
    },
  ],
  [
    'content-length',
    (reading, value) => {
      if (reading.length !== undefined || !/^(?:0|[1-9]\d{0,14})$/.test(value)) reading.isStray = true;
      reading.length = value;
    },
  ],
  [
    'transfer-encoding',
    (reading, value) => {
      if (reading.isChunked || value.toLowerCase() !== 'chunked') reading.isStray = true;
      reading.isChunked = true;
    },
  ],
  [
    'expect',
    (reading, value) => {
      if (reading.expectsContinue || value.toLowerCase() !== '100-continue') reading.isStray = true;
      reading.expectsContinue = true;
    },
  ],
  [
    'trailer',
    (reading, value, name) => {
      if (reading.trailerAt > 0) reading.isStray = true;
      reading.trailerAt = reading.fields.length;
      reading.isPlain = false;
      reading.fields.push(name, value);
    },
  ],
  ['upgrade', markStray],
  ['http2-settings', markStray],
]);

function markStray(reading: Reading): void {
  reading.isStray = true;
}

function isSameHost(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase();
}

/** Names that gateways cannot map to another name, and that do not say where a message goes or ends. */
export function isTrailerTaken(name: string): boolean {
  const { lower, isSpecial } = readFieldName(name);
  return !isSpecial && lower !== 'x-emperor-generation';
}
