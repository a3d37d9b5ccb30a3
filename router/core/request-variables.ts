// The head that a gateway worker gets (docs/gateway-protocol.md): the request as CGI variables in one netstring. What of
// the client's fields is among them is decided where it is for HTTP workers (passed-fields.ts). Pure.
import type { ByteView } from '../http1/byte-view.ts';
import { fieldIdCount, fieldIds, nameOfField } from '../http1/field-names.ts';
import { constantText, type HeadWriter } from '../http1/head-writer.ts';
import type { Fields, RequestHead } from '../http1/message.ts';
import { isNominated, isPassedOn } from './passed-fields.ts';
import { forwardedChain, isForwarded, type BodyFraming } from './request-fields.ts';
import { clientAddressOf, isHttps, serverPortOf, type ConnectionOrigin } from './request-origin.ts';

export interface GatewayOrigin extends ConnectionOrigin {
  /** Of the domain that the request was routed by: `/path` without a trailing slash, or empty. */
  readonly prefix: string;
  /** The client waits for `100 Continue`, and the worker is to say it. */
  readonly awaitsContinue: boolean;
}

/** Whether the path holds an encoded NUL: no variable can, so there is no head for such a request. */
export function hasEncodedNul(target: string): boolean {
  const nul = target.indexOf('%00');
  return nul !== -1 && nul < endOfPath(target);
}

/** Writes the whole head. The path must hold no encoded NUL. */
export function writeRequestVariables(
  writer: HeadWriter,
  head: RequestHead,
  origin: GatewayOrigin,
  body: BodyFraming,
): void {
  writer.beginNetstring();
  writer.constant(requestMethod);
  writer.text(head.method);
  writePath(writer, head.target, origin.prefix);
  writeOrigin(writer, head, origin);
  writeBody(writer, body, origin.awaitsContinue);
  writeFields(writer, head, origin.isTrusted);
  writeForwarded(writer, head, origin);
  writer.endNetstring();
}

// Each begins with the NUL that ends the value before it, so that what is fixed between two values is one copy.
const requestMethod = constantText('REQUEST_METHOD\0');
const requestUri = constantText('\0REQUEST_URI\0');
const scriptName = constantText('\0SCRIPT_NAME\0');
const pathInfo = constantText('\0PATH_INFO\0');
const noScriptName = constantText('\0SCRIPT_NAME\0\0PATH_INFO\0');
const queryString = constantText('\0QUERY_STRING\0');
const http10 = constantText('\0SERVER_PROTOCOL\0HTTP/1.0');
const http11 = constantText('\0SERVER_PROTOCOL\0HTTP/1.1');
const clear = constantText('\0REQUEST_SCHEME\0http\0REMOTE_ADDR\0');
const secure = constantText('\0REQUEST_SCHEME\0https\0HTTPS\0on\0REMOTE_ADDR\0');
const remotePort = constantText('\0REMOTE_PORT\0');
const serverName = constantText('\0SERVER_NAME\0');
const serverPort = constantText('\0SERVER_PORT\0');
const httpHost = constantText('\0HTTP_HOST\0');
const end = constantText('\0');
// Those from here on stand by themselves.
const contentLength = constantText('CONTENT_LENGTH\0');
const chunked = constantText('HTTP_TRANSFER_ENCODING\0chunked\0');
const awaitsContinue = constantText('HTTP_EXPECT\x00100-continue\0');
const forwardedFor = constantText('HTTP_X_FORWARDED_FOR\0');
const forwardedProto = constantText('HTTP_X_FORWARDED_PROTO\0http\0');
const forwardedHost = constantText('HTTP_X_FORWARDED_HOST\0');
const requestIdName = constantText('HTTP_X_REQUEST_ID\0');
const other = constantText('HTTP_');

/** The variables of known fields by id, each with the NUL behind. */
const variables: readonly ByteView[] = Array.from({ length: fieldIdCount }, (_, id) => {
  const name = nameOfField(id).toUpperCase().replaceAll('-', '_');
  return constantText(id === fieldIds.contentType ? `${name}\0` : `HTTP_${name}\0`);
});

function endOfPath(target: string): number {
  const query = target.indexOf('?');
  return query === -1 ? target.length : query;
}

function writePath(writer: HeadWriter, target: string, prefix: string): void {
  const pathEnd = endOfPath(target);
  writer.constant(requestUri);
  writer.text(target);
  if (prefix === '') {
    writer.constant(noScriptName);
  } else {
    writer.constant(scriptName);
    writer.decoded(prefix, 0, prefix.length);
    writer.constant(pathInfo);
  }
  writer.decoded(target, prefix.length, pathEnd);
  writer.constant(queryString);
  if (pathEnd < target.length) writer.part(target, pathEnd + 1, target.length);
}

function writeOrigin(writer: HeadWriter, head: RequestHead, origin: GatewayOrigin): void {
  const client = clientAddressOf(head, origin);
  writer.constant(head.minorVersion === 0 ? http10 : http11);
  writer.constant(isHttps(head, origin) ? secure : clear);
  writer.text(client);
  if (origin.remotePort !== 0 && client === origin.clientAddress) {
    writer.constant(remotePort);
    writer.decimal(origin.remotePort);
  }
  writer.constant(serverName);
  writer.text(head.host === '' ? noHost : head.host);
  writer.constant(serverPort);
  writer.decimal(serverPortOf(head, origin));
  writer.constant(httpHost);
  writer.text(head.authority === '' ? noHost : head.authority);
  writer.constant(end);
}

/** As an HTTP worker is told where an HTTP/1.0 client named none. */
const noHost = 'localhost';

function writeBody(writer: HeadWriter, body: BodyFraming, isContinueAwaited: boolean): void {
  if (body.kind === 'length') {
    writer.constant(contentLength);
    writer.decimal(body.length);
    writer.constant(end);
  } else if (body.kind === 'chunked') {
    writer.constant(chunked);
  }
  if (isContinueAwaited) writer.constant(awaitsContinue);
}

/** Names occur once: the lines of one are joined where its first one stands. */
function writeFields(writer: HeadWriter, head: RequestHead, isTrusted: boolean): void {
  const { fields, nominated } = head;
  const { count } = fields;
  let others: number[] | undefined;
  for (let i = 0; i < count; i++) {
    const id = fields.id(i);
    if (!isPassedOn(fields, i, id, isTrusted)) continue;
    if (nominated.length > 0 && isNominated(head, i)) continue;
    if (id === fieldIds.other) {
      others ??= [];
      others.push(i);
    } else if (fields.linesOf(id) === 1) {
      writer.constant(variables[id] as ByteView);
      fields.copyValue(i, writer);
      writer.constant(end);
    } else if (fields.firstLine(id) === i) {
      writer.constant(variables[id] as ByteView);
      writeJoined(writer, fields, linesWith(fields, id), id === fieldIds.cookie ? '; ' : ', ');
    }
  }
  if (others !== undefined) writeOthers(writer, fields, others);
}

function linesWith(fields: Fields, id: number): number[] {
  const lines: number[] = [];
  for (let i = fields.firstLine(id); i < fields.count; i++) if (fields.id(i) === id) lines.push(i);
  return lines;
}

/** Those whose names the field table does not know. */
function writeOthers(writer: HeadWriter, fields: Fields, lines: readonly number[]): void {
  const linesByName = new Map<string, number[]>();
  for (const line of lines) {
    const name = fields.name(line);
    const same = linesByName.get(name);
    if (same === undefined) linesByName.set(name, [line]);
    else same.push(line);
  }
  for (const [name, same] of linesByName) {
    writer.constant(other);
    writer.variableName(name);
    writer.constant(end);
    writeJoined(writer, fields, same, ', ');
  }
}

function writeJoined(writer: HeadWriter, fields: Fields, lines: readonly number[], separator: string): void {
  for (const [index, line] of lines.entries()) {
    if (index > 0) writer.text(separator);
    fields.copyValue(line, writer);
  }
  writer.constant(end);
}

/** As request-fields.ts does for HTTP workers. */
function writeForwarded(writer: HeadWriter, head: RequestHead, origin: GatewayOrigin): void {
  const chain = forwardedChain(head, origin);
  if (chain !== '') {
    writer.constant(forwardedFor);
    writer.text(chain);
    writer.constant(end);
  }
  if (!isForwarded(head, origin, fieldIds.xForwardedProto)) writer.constant(forwardedProto);
  if (head.authority !== '' && !isForwarded(head, origin, fieldIds.xForwardedHost)) {
    writer.constant(forwardedHost);
    writer.text(head.authority);
    writer.constant(end);
  }
  writer.constant(requestIdName);
  origin.requestId.write(writer);
  writer.constant(end);
}
