// A socket that goes on reading after the peer closed its end under a write. Workers that refuse a body answer and
// close at once; Node would destroy the socket at the write's EPIPE, and the answer, already received, with it.
import { Socket } from 'node:net';
import { errnoOf } from '../../lib/errors.ts';

type WriteCallback = (error?: Error | null) => void;

/** The peer reads no more; what it sent before is still there, and then its end. */
const peerLeft: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

export class PatientSocket extends Socket {
  /** Of the write that is under way: a stream gives the next one only after it. */
  #callback: WriteCallback = () => undefined;
  readonly #onWritten = (error?: Error | null): void => {
    // What was written is lost either way; the read side tells how it ends.
    const isLost = error !== undefined && error !== null && peerLeft.has(errnoOf(error));
    this.#callback(isLost ? null : error);
  };

  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    this.#callback = callback;
    super._write(chunk, encoding, this.#onWritten);
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    this.#callback = callback;
    super._writev?.(chunks, this.#onWritten);
  }
}
