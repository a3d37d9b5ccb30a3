// A child's connection before and after its hello. Channel takes its handlers at construction, but who the peer is
// becomes known only by the first message; this is the seam between the two.
import { Channel } from '../lib/channel.ts';
import type { Socket } from 'node:net';

export interface ConnectionReceiver {
  onMessage(message: unknown): void;
  onClose(error: Error | undefined): void;
}

export class Connection {
  readonly #channel: Channel;
  #receiver: ConnectionReceiver;
  #isOpen = true;

  constructor(socket: Socket, first: ConnectionReceiver) {
    this.#receiver = first;
    this.#channel = new Channel(socket, {
      onMessage: (message) => {
        this.#receiver.onMessage(message);
      },
      onClose: (error) => {
        this.#isOpen = false;
        this.#receiver.onClose(error);
      },
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** From the next message on, `receiver` hears what the peer says. */
  handTo(receiver: ConnectionReceiver): void {
    this.#receiver = receiver;
  }

  send(message: object): void {
    this.#channel.send(message);
  }

  /** Ends the connection at once. */
  destroy(reason: string): void {
    this.#channel.destroy(new Error(reason));
  }
}
