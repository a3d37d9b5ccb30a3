// The few ways in which the control socket answers over HTTP: one JSON value, an error with its code, or a stream of
// JSON lines.
import type { IncomingMessage, ServerResponse } from 'node:http';

export function reply(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** `code` is an error code of lib/errors where there is one. */
export function replyError(
  response: ServerResponse,
  status: number,
  error: { readonly code: string; readonly message: string; readonly hint?: string },
): void {
  reply(response, status, { error: { hint: null, ...error } });
}

/** A reader so far behind is cut rather than kept in memory. */
const mostBufferedBytes = 8 * 1024 * 1024;

export interface LineStream {
  send(value: object): void;
  /** True while the client takes more; false: stop sending until `onDrain`. */
  readonly hasRoom: boolean;
  end(): void;
}

/** Starts a stream of JSON lines; `onClose` is called once, when the client has gone or the stream was ended. */
export function startLines(response: ServerResponse, onClose: () => void): LineStream {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  response.once('close', onClose);
  response.on('error', () => undefined);
  return {
    send: (value) => {
      if (response.destroyed) return;
      response.write(`${JSON.stringify(value)}\n`);
      if (response.writableLength > mostBufferedBytes) response.destroy();
    },
    get hasRoom() {
      return response.writableLength < mostBufferedBytes / 8;
    },
    end: () => {
      response.end();
    },
  };
}

const mostBodyBytes = 64 * 1024;

/** Reads a small JSON object; an empty body is an empty object. Undefined where it is none, or too large. */
export async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | undefined> {
  let text = '';
  try {
    for await (const chunk of request) {
      text += String(chunk);
      if (text.length > mostBodyBytes) return undefined;
    }
    if (text.trim() === '') return {};
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
