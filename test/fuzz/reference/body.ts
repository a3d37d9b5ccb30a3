// The reference reader: where a body ends, and what is in it.
import type { Framing, HeadLimits } from '../../../router/http1/message.ts';
import type { Lines } from '../transcript.ts';
import { readFields, readSection, tokenPattern, type Text } from './grammar.ts';

export interface Body {
  readonly content: string;
  readonly trailers: Lines | undefined;
  /** Where the next message begins; undefined: the body breaks off or is malformed behind `content`. */
  readonly end: number | undefined;
}

export function readBody(from: Text, framing: Framing, limits: HeadLimits): Body {
  const { text, at } = from;
  switch (framing.kind) {
    case 'none':
      return { content: '', trailers: undefined, end: at };
    case 'until-close':
      return { content: text.slice(at), trailers: undefined, end: text.length };
    case 'length': {
      const end = at + framing.length;
      return { content: text.slice(at, end), trailers: undefined, end: end <= text.length ? end : undefined };
    }
    case 'chunked':
      return readChunked(from, limits);
  }
}

const quoted = '"(?:[^\\0-\\x1f\\x7f"\\\\]|\\\\[^\\0-\\x1f\\x7f])*"';
const extensions = `(?:;${tokenPattern}(?:=(?:${tokenPattern}|${quoted}))?)*`;
const sizeLine = new RegExp(`([0-9A-Fa-f]{1,13})(${extensions})\\r\\n`, 'y');
/** Of the extensions behind one size, and of all of a body. */
const maxLineBytes = 256;
const maxExtensionBytes = 16_384;

function readChunked({ text, at }: Text, limits: HeadLimits): Body {
  let content = '';
  let extensionBytes = 0;
  for (let pos = at; ;) {
    const broken = { content, trailers: undefined, end: undefined };
    sizeLine.lastIndex = pos;
    const [line, digits = '', extension = ''] = sizeLine.exec(text) ?? [];
    extensionBytes += extension.length;
    if (line === undefined || extension.length > maxLineBytes || extensionBytes > maxExtensionBytes) return broken;
    const start = pos + line.length;
    const size = Number.parseInt(digits, 16);
    if (size === 0) return readTrailers({ text, at: start }, limits, content);
    content += text.slice(start, start + size);
    if (!text.startsWith('\r\n', start + size)) return { ...broken, content };
    pos = start + size + 2;
  }
}

function readTrailers(from: Text, limits: HeadLimits, content: string): Body {
  const broken = { content, trailers: undefined, end: undefined };
  const section = readSection(from, limits);
  if (section === undefined) return broken;
  const fields = readFields(section.lines, limits);
  if (fields === undefined || fields.some(([name]) => mustBeInHead(name))) return broken;
  return { content, trailers: fields.length > 0 ? fields : undefined, end: section.end };
}

/** What decides of routing, framing, authority or caching is not learnt behind the body. */
const inHeadOnly = [
  ...['host', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'expect'],
  ...['range', 'cache-control', 'authorization', 'cookie', 'set-cookie', 'location', 'forwarded', 'x-request-id'],
  ...['x-real-ip', 'proxy'],
];

function mustBeInHead(name: string): boolean {
  const read = name.replace(/_/g, '-');
  return inHeadOnly.includes(read) || (/^(?:content|x-forwarded|proxy)-/.test(read) && read !== 'content-digest');
}
