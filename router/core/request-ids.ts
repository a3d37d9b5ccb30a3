// Ids for requests that bring none: unique for the router's life by a counter, among routers by what is drawn at
// the start. They name a request in logs; they are no secret. Pure: randomness is an argument.
import type { ByteView } from '../http1/byte-view.ts';
import { constantText, type HeadWriter } from '../http1/head-writer.ts';

/** What names a request to its worker and in the logs. */
export interface RequestId {
  readonly text: string;
  write(writer: HeadWriter): void;
}

export class RequestIds {
  readonly #prefix: string;
  readonly #prefixBytes: ByteView;
  #count = 0;

  /** `random` is eight or more hexadecimal digits. */
  constructor(random: string) {
    this.#prefix = `${random}-`;
    this.#prefixBytes = constantText(this.#prefix);
  }

  next(): RequestId {
    this.#count++;
    return new CountedId(this.#prefix, this.#prefixBytes, this.#count);
  }
}

/** One that somebody else gave. */
export function givenId(text: string): RequestId {
  return {
    text,
    write: (writer) => {
      writer.text(text);
    },
  };
}

/** Most are written to a worker and to no log: making the text of one takes 100 ns (Node 20). */
class CountedId implements RequestId {
  readonly #prefix: string;
  readonly #prefixBytes: ByteView;
  readonly #count: number;

  constructor(prefix: string, prefixBytes: ByteView, count: number) {
    this.#prefix = prefix;
    this.#prefixBytes = prefixBytes;
    this.#count = count;
  }

  get text(): string {
    return this.#prefix + this.#count.toString(36);
  }

  write(writer: HeadWriter): void {
    writer.constant(this.#prefixBytes);
    writer.base36(this.#count);
  }
}
