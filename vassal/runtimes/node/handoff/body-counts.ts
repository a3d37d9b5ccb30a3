// Counts the bytes of a request's body and of an answer's as they pass, where somebody wants to know: every request and
// answer of Node has these methods, and only those that are counted get ones of their own.
import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** `onBytes` returns false where nothing more is to be passed on. */
export function countRequestBody(request: IncomingMessage, onBytes: (bytes: number) => boolean): void {
  const push = request.push.bind(request);
  let isOpen = true;
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    isOpen &&= chunk === null || onBytes(bytesOf(chunk, encoding));
    return isOpen && push(chunk, encoding);
  };
}

export function countAnswerBody(response: ServerResponse, onBytes: (bytes: number) => void): void {
  const write = response.write.bind(response) as Write;
  const end = response.end.bind(response) as Write;
  response.write = ((chunk, encoding, callback) => {
    onBytes(bytesOf(chunk, encoding));
    return write(chunk, encoding, callback);
  }) as Write as ServerResponse['write'];
  response.end = ((chunk, encoding, callback) => {
    onBytes(bytesOf(chunk, encoding));
    return end(chunk, encoding, callback);
  }) as Write as ServerResponse['end'];
}

type Write = (chunk?: unknown, encoding?: unknown, callback?: unknown) => unknown;

/** Of what Node would refuse, or what is a callback, none. */
function bytesOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
