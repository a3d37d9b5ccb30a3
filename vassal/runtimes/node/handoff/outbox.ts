// Messages to a router that reads slowly: they keep their order and wait in memory, each with its descriptor, until the
// channel takes them. How many can wait is bounded by the connections there are.
import { Buffer } from 'node:buffer';
import type { FromWorker } from '../../../../lib/handoff.ts';
import type { DescriptorChannel } from '../../../../native/channel.ts';

/** The channel does not say when it takes more. */
const retryMs = 10;

interface Letter {
  readonly bytes: Uint8Array;
  /** Ours until it is sent. */
  readonly fd: number | undefined;
}

export interface OutboxOptions {
  readonly channel: DescriptorChannel;
  closeDescriptor(fd: number): void;
  /** All that waited is sent. */
  onEmpty(): void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Letter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Sends it at once, before nothing that waits; false where that cannot be. */
  trySend(message: FromWorker): boolean {
    return this.isEmpty && this.#send({ bytes: encode(message), fd: undefined });
  }

  /** Sends it as soon as it can be. The descriptor is ours from now on. */
  post(message: FromWorker, fd?: number): void {
    const letter = { bytes: encode(message), fd };
    if (this.#isClosed) this.#drop(letter);
    else if (!this.isEmpty || !this.#send(letter)) {
      this.#waiting.push(letter);
      this.#timer ??= setTimeout(() => {
        this.#flush();
      }, retryMs);
    }
  }

  /** Nobody reads any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const letter of this.#waiting) this.#drop(letter);
    this.#waiting = [];
  }

  #flush(): void {
    this.#timer = undefined;
    let sent = 0;
    for (const letter of this.#waiting) {
      if (!this.#send(letter)) break;
      sent++;
    }
    this.#waiting = this.#waiting.slice(sent);
    if (this.isEmpty) this.#options.onEmpty();
    else {
      this.#timer = setTimeout(() => {
        this.#flush();
      }, retryMs);
    }
  }

  #send(letter: Letter): boolean {
    if (this.#isClosed) return false;
    const { bytes, fd } = letter;
    let isSent: boolean;
    try {
      isSent = this.#options.channel.send(bytes, fd === undefined ? [] : [fd]);
    } catch {
      // Its end is about to be told, and whoever hears of it closes us.
      return false;
    }
    if (isSent) this.#drop(letter);
    return isSent;
  }

  #drop({ fd }: Letter): void {
    if (fd !== undefined) this.#options.closeDescriptor(fd);
  }
}

function encode(message: FromWorker): Buffer {
  return Buffer.from(JSON.stringify(message));
}
