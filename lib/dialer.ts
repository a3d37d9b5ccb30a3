// A child's lasting connection to the emperor: it dials control.sock, says hello, and dials again whenever the
// connection ends. That is all there is to adoption: a new emperor hears the same hello as the old one.
import { connect } from 'node:net';
import { Channel } from './channel.ts';
import type { Clock, Timer } from './clock.ts';

/** First and longest pause between dials; doubled each time, half of it random so that children spread. */
const firstPauseMs = 50;
const longestPauseMs = 1000;

export interface DialerOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** The first message of every connection, made anew so that it tells the present state. */
  hello(): object;
  onMessage(message: unknown): void;
  /** The connection ended; the child goes on as it is and the dialer dials again. */
  onLost(error: Error | undefined): void;
}

export class Dialer {
  readonly #options: DialerOptions;
  #channel: Channel | undefined;
  #timer: Timer | undefined;
  #pauseMs = firstPauseMs;
  #stopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#dial();
  }

  /** Sends if connected. What is lost while disconnected must be part of hello. */
  send(message: object): void {
    this.#channel?.send(message);
  }

  /** Flushes, closes, and dials no more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#channel?.close();
    this.#channel = undefined;
  }

  #dial(): void {
    const socket = connect(this.#options.path);
    const channel = new Channel(socket, {
      onMessage: (message) => {
        this.#options.onMessage(message);
      },
      onClose: (error) => {
        const wasConnected = this.#channel === channel;
        this.#channel = undefined;
        if (this.#stopped) return;
        if (wasConnected) this.#options.onLost(error);
        this.#retry();
      },
    });
    socket.once('connect', () => {
      if (this.#stopped) {
        channel.close();
        return;
      }
      this.#pauseMs = firstPauseMs;
      this.#channel = channel;
      channel.send(this.#options.hello());
    });
  }

  #retry(): void {
    const delayMs = this.#pauseMs * (0.5 + this.#options.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#dial();
    });
  }
}
