// Lets an app that speaks the Web's fetch(Request) → Response serve node:http: bodies stream both ways with
// back-pressure, repeated headers stay repeated, and a client that leaves aborts the request's signal.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

export interface FetchHandler {
  /** The second argument is what Hono's Node adapter passes too: apps read the peer's address from it. */
  fetch(request: Request, bindings: { incoming: IncomingMessage; outgoing: ServerResponse }): unknown;
}

export function fetchListener(handler: FetchHandler): RequestListener {
  return (incoming, outgoing) => {
    // Every outcome of an exchange is an answer or a cut connection; nothing rejects.
    void exchange(handler, incoming, outgoing);
  };
}

async function exchange(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const left = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) left.abort(new Error('the client closed the connection'));
  });
  const request = makeRequest(incoming, left.signal);
  if (request === undefined) {
    answerPlainly(outgoing, 400);
    return;
  }
  try {
    const response = await handler.fetch(request, { incoming, outgoing });
    if (!isResponse(response)) throw new TypeError(`fetch() returned ${describe(response)} instead of a Response`);
    await sendResponse(response, outgoing);
  } catch (error) {
    // After the client left, whatever fails is the consequence of that.
    if (!left.signal.aborted) console.error(error);
    if (outgoing.headersSent) outgoing.destroy();
    else answerPlainly(outgoing, 500);
  }
}

/** Undefined where the Web's Request does not allow it: CONNECT, TRACE, or a Host that is none. */
function makeRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  try {
    const headers = new Headers();
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
    }
    return new Request(absoluteUrl(incoming, url), {
      method,
      headers,
      signal,
      ...(hasBody ? { body: Readable.toWeb(incoming) as never, duplex: 'half' } : {}),
    });
  } catch {
    return undefined;
  }
}

function absoluteUrl({ headers, socket }: IncomingMessage, url: string): string {
  const forwarded = headers['x-forwarded-proto'];
  const isSecure = typeof forwarded === 'string' ? forwarded === 'https' : 'encrypted' in socket;
  // `OPTIONS *` is about the server; `/` is as near as a URL comes. Joined as text, so that `//x/y` stays a path.
  return `${isSecure ? 'https' : 'http'}://${headers.host ?? 'localhost'}${url.startsWith('/') ? url : '/'}`;
}

async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status;
  if (response.statusText !== '') outgoing.statusMessage = response.statusText;
  const cookies = response.headers.getSetCookie();
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value);
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  const body = response.body as ReadableStream<Uint8Array> | null;
  if (body === null || outgoing.req.method === 'HEAD') {
    await body?.cancel();
    outgoing.end();
    return;
  }
  await sendBody(body, outgoing);
}

async function sendBody(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const onClose = (): void => {
    // The source may have failed already: either way nobody reads on.
    reader.cancel().catch(() => undefined);
  };
  outgoing.once('close', onClose);
  // Status and headers at once: a stream of events may have its first event much later.
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || outgoing.destroyed) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.off('close', onClose);
  outgoing.end();
}

async function drained(outgoing: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  // Whichever comes first; a client that leaves never drains.
  await Promise.race([once(outgoing, 'drain', { signal }), once(outgoing, 'close', { signal })]).catch(() => undefined);
  over.abort();
}

function answerPlainly(outgoing: ServerResponse, status: 400 | 500): void {
  if (outgoing.destroyed) return;
  outgoing.writeHead(status, { 'content-type': 'text/plain' });
  outgoing.end(status === 400 ? 'Bad Request\n' : 'Internal Server Error\n');
}

/** By shape: a bundled polyfill's Response is as good. Status 0 is Response.error(). */
function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null || !('status' in value) || !('headers' in value)) return false;
  return typeof value.status === 'number' && value.status >= 200 && 'getSetCookie' in (value.headers as object);
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : String(value);
}
