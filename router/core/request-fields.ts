// Which fields of a client's request a worker gets to see, and which the router writes itself. Pure.
// Whatever decides where a message ends, where it goes or who sent it is written anew and never copied.
import { fieldIds, fieldIdCount } from '../http1/field-names.ts';
import { hopByHopIds } from './hop-by-hop.ts';
import { constantText, type HeadWriter } from '../http1/head-writer.ts';
import type { Fields, RequestHead } from '../http1/message.ts';
import type { RequestId } from './request-ids.ts';

/** What the router knows of the request beyond its head. */
export interface RequestOrigin {
  /** Numeric address of the client; empty where it came over a unix socket. */
  readonly clientAddress: string;
  /** The client is a proxy whose X-Forwarded-… fields are believed. */
  readonly isTrusted: boolean;
  readonly requestId: RequestId;
}

export type BodyFraming =
  { readonly kind: 'none' } | { readonly kind: 'chunked' } | { readonly kind: 'length'; readonly length: number };

const copied = 0;
const dropped = 1;
/** Tells of the client as a proxy saw it: copied from a trusted proxy, else dropped. */
const forwarded = 2;
/** None of the known names: its spelling decides. */
const unknown = 3;

const rules = new Uint8Array(fieldIdCount);
rules[fieldIds.other] = unknown;
for (const id of [
  ...hopByHopIds,
  fieldIds.host,
  fieldIds.expect,
  // `Proxy` becomes HTTP_PROXY in a CGI environment (httpoxy).
  fieldIds.proxy,
  fieldIds.xForwardedFor,
  fieldIds.xRequestId,
]) {
  rules[id] = dropped;
}
for (const id of [
  fieldIds.xForwardedProto,
  fieldIds.xForwardedHost,
  fieldIds.xForwardedPort,
  fieldIds.xRealIp,
  fieldIds.forwarded,
]) {
  rules[id] = forwarded;
}

/** Names that gateways cannot map to another name: in CGI `_`, `.` and `-` become the same character. */
const unmistakableName = /^[a-z0-9-]+$/;

/** Writes the whole head that goes to the worker, its framing included. */
export function writeRequestHead(
  writer: HeadWriter,
  head: RequestHead,
  origin: RequestOrigin,
  body: BodyFraming,
): void {
  if (!head.fields.copyStart(writer)) writer.requestLine(head.method, head.target);
  writeHost(writer, head);
  copyFields(writer, head, origin, body.kind === 'chunked');
  writeForwarded(writer, head, origin);
  if (head.upgrade !== undefined) {
    writer.text('Connection: Upgrade\r\n');
    writer.field('Upgrade', head.upgrade);
  }
  if (body.kind === 'length') {
    writer.constant(contentLength);
    writer.decimal(body.length);
    writer.text('\r\n');
  } else if (body.kind === 'chunked') {
    writer.constant(transferEncoding);
  }
  writer.end();
}

/**
 * One line, second in the head, always spelled `Host`, and with the authority that the request was routed by: where a
 * client's line is just that (most have it there already), its bytes are taken.
 */
function writeHost(writer: HeadWriter, { fields, authority }: RequestHead): void {
  const line = fields.firstLine(fieldIds.host);
  if (line !== -1) fields.copyLineAs(line, 'Host', writer);
  // An HTTP/1.0 client may send none; a worker must get exactly one.
  else writer.field('Host', authority === '' ? 'localhost' : authority);
}

const contentLength = constantText('Content-Length: ');
const transferEncoding = constantText('Transfer-Encoding: chunked\r\n');
const forwardedFor = constantText('X-Forwarded-For: ');
const forwardedProto = constantText('X-Forwarded-Proto: http\r\n');
const forwardedHost = constantText('X-Forwarded-Host: ');
/** The end of one line, another, and the beginning of a third: one copy instead of three. */
const forwardedProtoAndHost = constantText('\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ');
const requestIdName = constantText('X-Request-Id: ');

/** An id that a trusted proxy gave the request, if it is one that can be logged as it stands. */
export function requestIdOf(head: RequestHead): string | undefined {
  const id = head.fields.first(fieldIds.xRequestId);
  return id !== undefined && /^[\w.:/+=@-]{1,128}$/.test(id) ? id : undefined;
}

function copyFields(writer: HeadWriter, head: RequestHead, origin: RequestOrigin, keepsTrailer: boolean): void {
  const { fields, nominated } = head;
  const { count } = fields;
  for (let i = 0; i < count; i++) {
    const id = fields.id(i);
    const rule = rules[id];
    if (rule !== copied) {
      if (rule === unknown && !isCopiedName(fields.name(i), origin.isTrusted)) continue;
      if (rule === dropped && !(id === fieldIds.trailer && keepsTrailer)) continue;
      if (rule === forwarded && !origin.isTrusted) continue;
    }
    if (nominated.length > 0 && nominated.includes(fields.name(i))) continue;
    writer.copy(fields, i);
  }
}

function isCopiedName(name: string, isTrusted: boolean): boolean {
  return unmistakableName.test(name) && (isTrusted || !name.startsWith('x-forwarded-'));
}

function writeForwarded(writer: HeadWriter, head: RequestHead, origin: RequestOrigin): void {
  const { isTrusted, clientAddress, requestId } = origin;
  if (isTrusted || clientAddress === '' || head.authority === '') {
    writeForwardedInParts(writer, head, origin);
  } else {
    writer.constant(forwardedFor);
    writer.text(clientAddress);
    writer.constant(forwardedProtoAndHost);
    writer.text(head.authority);
    writer.text('\r\n');
  }
  writer.constant(requestIdName);
  requestId.write(writer);
  writer.text('\r\n');
}

/** What a trusted proxy said is gone on with, and what is not known is not said. */
function writeForwardedInParts(writer: HeadWriter, head: RequestHead, origin: RequestOrigin): void {
  const { isTrusted, clientAddress } = origin;
  const earlier = isTrusted ? valuesOf(head, fieldIds.xForwardedFor) : '';
  const chain = earlier !== '' && clientAddress !== '' ? `${earlier}, ${clientAddress}` : earlier + clientAddress;
  if (chain !== '') {
    writer.constant(forwardedFor);
    writer.text(chain);
    writer.text('\r\n');
  }
  if (!isTrusted || head.fields.firstLine(fieldIds.xForwardedProto) === -1) writer.constant(forwardedProto);
  if (head.authority !== '' && (!isTrusted || head.fields.firstLine(fieldIds.xForwardedHost) === -1)) {
    writer.constant(forwardedHost);
    writer.text(head.authority);
    writer.text('\r\n');
  }
}

function valuesOf({ fields }: RequestHead, id: number): string {
  const values: string[] = [];
  for (let i = 0; i < fields.count; i++) if (fields.id(i) === id) values.push(fields.value(i));
  return values.join(', ');
}

/**
 * Whether a trailer line is copied: the parser refused what must not be a trailer; this leaves out look-alikes, and
 * what an app must not say in its head either.
 */
export function isTrailerCopied(fields: Fields, i: number): boolean {
  return fields.id(i) !== fieldIds.xEmperorGeneration && unmistakableName.test(fields.name(i));
}
