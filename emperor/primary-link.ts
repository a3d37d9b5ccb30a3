// The connection to the primary of one instance, which may be lost and dialled again: it passes on what the primary
// tells of itself, and drops what is no message. What to say, and when again, is the handle's affair.
import type { Logger } from '../lib/log.ts';
import { decodeFromVassal, type ToVassal, type VassalState } from '../lib/vassal-messages.ts';
import type { Connection } from './connection.ts';

export interface PrimaryLinkOptions {
  readonly app: string;
  readonly generation: number;
  readonly log: Logger;
  onState(state: VassalState): void;
  /** Nothing more will be heard, until it dials in again. */
  onLost(): void;
}

export class PrimaryLink {
  readonly #options: PrimaryLinkOptions;
  #connection: Connection | undefined;

  constructor(options: PrimaryLinkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen === true;
  }

  /** The primary dialled in, for the first time or again: from now on this connection counts, and no earlier one. */
  attach(connection: Connection): void {
    this.#connection = connection;
    connection.handTo({
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onClose: () => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#options.onLost();
      },
    });
  }

  /** Without a connection it is not heard. */
  send(message: ToVassal): void {
    this.#connection?.send(message);
  }

  #onMessage(message: unknown): void {
    const { app, generation, log } = this.#options;
    const decoded = decodeFromVassal(message);
    if (typeof decoded === 'string') log.warn({ app, generation, why: decoded }, 'message dropped');
    else if (decoded.type === 'state') this.#options.onState(decoded);
  }
}
