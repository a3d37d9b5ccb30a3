// Requests on a handed-over connection that are not for its app to answer: they go to the router by a connection of
// their own, as they came, and what comes back goes to the client.
import { request as startRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { composeErrorPage } from '../../../../lib/error-page.ts';
import type { HttpRequest } from './http-internals.ts';

export interface StrayContext {
  /** To the router; undefined where it cannot be reached. */
  readonly tunnel: Socket | undefined;
  readonly id: string;
}

/** More than the router passes on in a head. */
const mostHeadBytes = 1024 * 1024;

/** Lets the router answer. Whatever happens, the answer ends, or its connection does. */
export function relayRequest(request: HttpRequest, response: ServerResponse, { tunnel, id }: StrayContext): void {
  const outgoing = tunnel === undefined ? undefined : send(request, tunnel);
  if (outgoing === undefined) {
    tunnel?.destroy();
    refuse(request, response, id);
    return;
  }
  outgoing.on('continue', () => {
    if (!response.headersSent) response.writeContinue();
  });
  outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    const isItsTurn = response.socket === request.socket && !response.headersSent;
    if (isItsTurn && statusCode !== 100) {
      request.socket.write(headOf(`HTTP/1.1 ${statusCode} ${statusMessage}`, rawHeaders));
    }
  });
  outgoing.on('response', (answer) => {
    passOn(answer, response);
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else refuse(request, response, id);
  });
  outgoing.on('close', () => tunnel?.destroy());
  response.on('close', () => tunnel?.destroy());
}

/** Undefined where Node would not send what it received. */
function send(request: HttpRequest, tunnel: Socket): ClientRequest | undefined {
  const { method = 'GET', url: path = '/', rawHeaders } = request;
  try {
    const outgoing = startRequest({
      createConnection: () => tunnel,
      method,
      path,
      headers: [...rawHeaders, ...missingFields(request)],
      setHost: false,
      maxHeaderSize: mostHeadBytes,
    });
    request.on('data', (bytes) => {
      if (!outgoing.write(bytes)) request.pause();
    });
    outgoing.on('drain', () => request.resume());
    request.on('end', () => {
      if (request.rawTrailers.length > 0) outgoing.addTrailers(pairsOf(request.rawTrailers));
      outgoing.end();
    });
    // The router may refuse it by its head alone, and the client may wait for that before it sends the body.
    outgoing.flushHeaders();
    return outgoing;
  } catch {
    return undefined;
  }
}

/** What Node would otherwise fill in, and not as it is. */
function missingFields({ rawHeaders }: HttpRequest): string[] {
  const names = new Set(rawHeaders.filter((_text, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  const hasLength = names.has('content-length') || names.has('transfer-encoding');
  return [
    // It would announce the end of the connection, and the router's answer that to the client.
    ...(names.has('connection') ? [] : ['Connection', 'keep-alive']),
    ...(hasLength ? [] : ['Content-Length', '0']),
  ];
}

function passOn(answer: IncomingMessage, response: ServerResponse): void {
  const { statusCode = 502, statusMessage = '', rawHeaders } = answer;
  // How the body is delimited, and whether the connection goes on, is for Node to write anew.
  const fields = pairsOf(rawHeaders).filter(([name]) => !/^(?:connection|keep-alive|transfer-encoding)$/i.test(name));
  if (/\bclose\b/i.test(answer.headers.connection ?? '')) response.shouldKeepAlive = false;
  else if (response.shouldKeepAlive) response.removeHeader('connection');
  response.writeHead(statusCode, statusMessage, fields.flat());
  response.flushHeaders();
  answer.on('data', (bytes) => {
    if (!response.write(bytes)) answer.pause();
  });
  response.on('drain', () => answer.resume());
  answer.on('end', () => {
    if (answer.rawTrailers.length > 0) response.addTrailers(pairsOf(answer.rawTrailers));
    response.end();
  });
  answer.on('error', () => {
    response.destroy();
  });
}

function refuse(request: HttpRequest, response: ServerResponse, requestId: string): void {
  if (response.headersSent || response.destroyed) return;
  const page = { status: 503, code: 'shutdown', message: 'The router is shutting down.', requestId };
  const { fields, body } = composeErrorPage({ ...page, retryAfter: 1, generation: undefined }, request.headers.accept);
  response.shouldKeepAlive = false;
  response.writeHead(503, fields.flat());
  response.end(body);
}

export interface RelayContext {
  readonly request: HttpRequest;
  /** What came behind the request's head. */
  readonly head: Buffer;
  readonly client: Socket;
  readonly tunnel: Socket;
}

/**
 * Lets the router answer a request for another protocol, and everything after it. `onOver`: what was answered is with
 * the kernel.
 */
export function relayConnection({ request, head, client, tunnel }: RelayContext, onOver: () => void): void {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = request;
  // If the router agrees the connection is a tunnel; if not, there is no way back to requests, so it is to end.
  const fields = [...rawHeaders, 'Connection', 'close'];
  tunnel.write(headOf(`${method} ${url} HTTP/${httpVersion}`, fields), 'latin1');
  if (head.length > 0) tunnel.write(head);
  tunnel.once('end', () => {
    client.once('finish', () => {
      onOver();
      // What the client still sends is for the router to read out.
      client.destroy();
    });
  });
  client.pipe(tunnel).pipe(client);
  for (const [one, other] of [
    [client, tunnel],
    [tunnel, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => {
      // What the other still has to write is written first.
      other.destroySoon();
    });
  }
}

function headOf(firstLine: string, raw: readonly string[]): string {
  return `${[firstLine, ...pairsOf(raw).map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`;
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length >> 1 }, (_, i) => [raw[2 * i] as string, raw[2 * i + 1] as string]);
}
