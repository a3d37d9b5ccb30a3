// The body of a gateway request as a worker reads it from its connection, piece by piece: so many bytes, or chunks in
// the one form that the protocol allows.
import { Buffer } from 'node:buffer';

export class GatewayBody {
  readonly #pieces: Buffer[] = [];
  readonly #isChunked: boolean;
  /** Of the body, or of the chunk. */
  #left: number;
  #line = '';
  /** `behind`: the CRLF of a chunk. `last`: the empty line of the last one. */
  #phase: 'size' | 'data' | 'behind' | 'last' | 'end';
  #length = 0;

  /** Throws where the variables tell of a body that no router would announce so. */
  constructor(variables: ReadonlyMap<string, string>) {
    const length = variables.get('CONTENT_LENGTH');
    const coding = variables.get('HTTP_TRANSFER_ENCODING');
    if (length !== undefined && coding !== undefined) throw new Error('a length and chunks');
    if (coding !== undefined && coding !== 'chunked') throw new Error(`transfer coding ${coding}`);
    if (length !== undefined && !/^(0|[1-9][0-9]*)$/.test(length)) throw new Error(`length ${length}`);
    this.#isChunked = coding !== undefined;
    this.#left = Number(length ?? 0);
    this.#phase = this.#isChunked ? 'size' : this.#left === 0 ? 'end' : 'data';
  }

  get isWhole(): boolean {
    return this.#phase === 'end';
  }

  /** What came of it. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get length(): number {
    return this.#length;
  }

  /** Takes what belongs to it and returns the rest. Throws where that is not well-formed. */
  take(bytes: Buffer): Buffer {
    let rest = bytes;
    while (rest.length > 0 && this.#phase !== 'end')
      rest = this.#phase === 'data' ? this.#data(rest) : this.#framing(rest);
    return rest;
  }

  #data(bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, this.#left);
    this.#pieces.push(taken);
    this.#length += taken.length;
    this.#left -= taken.length;
    if (this.#left === 0) this.#phase = this.#isChunked ? 'behind' : 'end';
    return bytes.subarray(taken.length);
  }

  /** A byte at a time: these lines are few and short. */
  #framing(bytes: Buffer): Buffer {
    this.#line += String.fromCharCode(bytes[0] ?? 0);
    if (this.#line.endsWith('\r\n')) this.#onLine(this.#line.slice(0, -2));
    else if (this.#line.length > 20) throw new Error(`no chunk: ${JSON.stringify(this.#line)}`);
    return bytes.subarray(1);
  }

  #onLine(line: string): void {
    this.#line = '';
    const isSize = this.#phase === 'size';
    if (isSize ? !/^(0|[1-9a-f][0-9a-f]*)$/.test(line) : line !== '')
      throw new Error(`no chunk: ${JSON.stringify(line)}`);
    if (isSize) {
      this.#left = Number.parseInt(line, 16);
      this.#phase = this.#left === 0 ? 'last' : 'data';
    } else {
      this.#phase = this.#phase === 'last' ? 'end' : 'size';
    }
  }
}
