// The head that an HTTP worker gets: which of the client's fields (passed-fields.ts), and which the router writes
// itself. Pure. request-variables.ts does the same for a gateway worker.
import { fieldIds } from '../http1/field-names.ts';
import { constantText, type HeadWriter } from '../http1/head-writer.ts';
import type { Fields, RequestHead } from '../http1/message.ts';
import { copyPassedFields, unmistakableName } from './passed-fields.ts';
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

/** Writes the whole head that goes to the worker, its framing included. */
export function writeRequestHead(
  writer: HeadWriter,
  head: RequestHead,
  origin: RequestOrigin,
  body: BodyFraming,
): void {
  if (!head.fields.copyStart(writer)) writer.requestLine(head.method, head.target);
  writeHost(writer, head);
  copyPassedFields(writer, head, origin.isTrusted, body.kind === 'chunked');
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
  const chain = forwardedChain(head, origin);
  if (chain !== '') {
    writer.constant(forwardedFor);
    writer.text(chain);
    writer.text('\r\n');
  }
  if (!isForwarded(head, origin, fieldIds.xForwardedProto)) writer.constant(forwardedProto);
  if (head.authority !== '' && !isForwarded(head, origin, fieldIds.xForwardedHost)) {
    writer.constant(forwardedHost);
    writer.text(head.authority);
    writer.text('\r\n');
  }
}

/** The addresses that the request came by, the client's first, as X-Forwarded-For has them; empty where none is known. */
export function forwardedChain(head: RequestHead, { isTrusted, clientAddress }: RequestOrigin): string {
  const earlier = isTrusted ? valuesOf(head, fieldIds.xForwardedFor) : '';
  return earlier !== '' && clientAddress !== '' ? `${earlier}, ${clientAddress}` : earlier + clientAddress;
}

/** A proxy that is believed said it, so its field is passed on and none of ours is added. */
export function isForwarded({ fields }: RequestHead, { isTrusted }: RequestOrigin, id: number): boolean {
  return isTrusted && fields.firstLine(id) !== -1;
}

/** The values of all lines with that id; empty where there are none. */
export function valuesOf({ fields }: RequestHead, id: number): string {
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
