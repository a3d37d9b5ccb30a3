// The reference reader: the requests in all that a client sent before it ended its direction.
import type { Framing, HeadLimits } from '../../../router/http1/message.ts';
import { requestMessage, type Lines, type RequestFacts, type TranscriptMessage } from '../transcript.ts';
import { readBody } from './body.ts';
import {
  hostOf,
  readConnection,
  readFields,
  readFraming,
  readSection,
  readUpgrade,
  staysOpen,
  tokenPattern,
  valuesOf,
} from './grammar.ts';

export interface Reading {
  /** The last one may be open: its head was good. */
  readonly messages: readonly TranscriptMessage[];
  readonly isRefused: boolean;
  /** The end of the last whole message. */
  readonly consumed: number;
}

const maxLineBytes = 8192;
const maxEmptyLines = 8;
const requestLine = new RegExp(`^(${tokenPattern}) ([\\x21\\x22\\x24-\\x7e]+) HTTP/1\\.(\\d)$`);
const methods = new Set([
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LABEL', 'LINK'],
  ...['LOCK', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'OPTIONS'],
  ...['ORDERPATCH', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PURGE', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH'],
  ...['UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK', 'UPDATE', 'UPDATEREDIRECTREF', 'VERSION-CONTROL'],
]);

export function readRequests(text: string, limits: HeadLimits): Reading {
  const messages: TranscriptMessage[] = [];
  for (let consumed = 0; ;) {
    const at = behindEmptyLines(text, consumed);
    if (at === undefined) return { messages, isRefused: true, consumed };
    if (at >= text.length) return { messages, isRefused: false, consumed };
    const head = readHead(text, at, limits);
    if (head === undefined) return { messages, isRefused: true, consumed };
    const message = requestMessage(head.facts, head.fields);
    const body = readBody({ text, at: head.end }, head.facts.framing, limits);
    // Who has to wait for an answer and does not: somebody sees another end of this message than we do.
    const isAlone = message.isAlone && body.end !== undefined && body.end < text.length;
    if (isAlone) return { messages, isRefused: true, consumed };
    messages.push(message);
    message.body = body.content;
    message.trailers = body.trailers;
    if (body.end === undefined) return { messages, isRefused: true, consumed };
    message.isEnded = true;
    consumed = body.end;
  }
}

/** Where a request begins, or the text's end; undefined where neither comes. */
function behindEmptyLines(text: string, from: number): number | undefined {
  let at = from;
  while (text.startsWith('\r\n', at)) at += 2;
  if ((at - from) / 2 > maxEmptyLines) return undefined;
  if (text[at] !== '\r') return at;
  return at === text.length - 1 ? text.length : undefined;
}

interface Head {
  readonly facts: RequestFacts;
  readonly fields: Lines;
  readonly end: number;
}

function readHead(text: string, at: number, limits: HeadLimits): Head | undefined {
  const section = readSection({ text, at }, limits);
  if (section === undefined) return undefined;
  const line = readLine(section.lines[0] ?? '');
  const fields = readFields(section.lines.slice(1), limits);
  const facts = line === undefined || fields === undefined ? undefined : readFacts(line, fields);
  return facts === undefined || fields === undefined ? undefined : { facts, fields, end: section.end };
}

type Line = Pick<RequestFacts, 'method' | 'target' | 'minorVersion'>;

function readLine(line: string): Line | undefined {
  const parts = requestLine.exec(line);
  if (parts === null || line.length > maxLineBytes) return undefined;
  const [, method = '', target = '', minor] = parts;
  return methods.has(method) ? { method, target, minorVersion: minor === '0' ? 0 : 1 } : undefined;
}

function readFacts(line: Line, fields: Lines): RequestFacts | undefined {
  const { method, minorVersion } = line;
  const framing = readFraming(fields, minorVersion);
  const connection = readConnection(fields);
  const destination = readDestination(line, valuesOf(fields, 'host'));
  const expects = readExpect(fields, minorVersion);
  const upgrade = readUpgrade(fields);
  if (framing === undefined || connection === undefined || destination === undefined) return undefined;
  const hasBody = announcesBody(framing);
  const mayUpgrade = minorVersion === 1 && connection.upgrades && !hasBody;
  if (expects === undefined || upgrade === null || (upgrade !== undefined && !mayUpgrade)) return undefined;
  const { nominated } = connection;
  const keepAlive = staysOpen(connection, minorVersion);
  return {
    ...{ method, ...destination, minorVersion, framing, upgrade, keepAlive, nominated },
    expectsContinue: hasBody && expects,
  };
}

function announcesBody(framing: Framing): boolean {
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.length > 0);
}

/** Whether the client waits for a 100; undefined where it expects anything else, or is too old to. */
function readExpect(fields: Lines, minorVersion: 0 | 1): boolean | undefined {
  const [value, ...more] = valuesOf(fields, 'expect');
  if (value === undefined) return false;
  return minorVersion === 1 && more.length === 0 && value.toLowerCase() === '100-continue' ? true : undefined;
}

type Destination = Pick<RequestFacts, 'target' | 'authority' | 'host'>;

/** Undefined: there is no doubtless host, or no target of ours. */
function readDestination(line: Line, hosts: readonly string[]): Destination | undefined {
  const [named] = hosts;
  if (hosts.length > 1 || (named === undefined && line.minorVersion === 1)) return undefined;
  const host = named === undefined ? '' : hostOf(named);
  if (host === undefined) return undefined;
  const { method, target } = line;
  const isOrigin = target.startsWith('/') || (target === '*' && method === 'OPTIONS');
  return isOrigin ? { target, authority: named ?? '', host } : readUrl(line, named);
}

/** An absolute-form target must name the host that Host does. */
function readUrl({ method, target }: Line, named: string | undefined): Destination | undefined {
  const url = /^http:\/\/([^/?]*)(.*)$/i.exec(target);
  if (url === null) return undefined;
  const [, authority = '', rest = ''] = url;
  const host = hostOf(authority);
  if (host === undefined || (named ?? authority).toLowerCase() !== authority.toLowerCase()) return undefined;
  const isServer = rest === '' && method === 'OPTIONS';
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return { target: isServer ? '*' : path, authority: named ?? authority, host };
}
