// An answer that is a stream of events (text/event-stream), and how it is ended before its worker ends it: between two
// events, if the worker comes to one soon. Its client then sees a whole answer and asks again by itself.
import type { Buffer } from 'node:buffer';
import type { Timer } from '../../lib/clock.ts';
import { EventBoundary } from '../core/event-boundary.ts';
import type { Answer } from './answer.ts';
import type { Edge } from './edge.ts';
import type { LastingStream, WorkerHolder } from './farewells.ts';

/** An event that was begun may take so long to come whole. */
const longestEventMs = 1000;

export class EventStream implements LastingStream {
  readonly #transport: Edge['transport'];
  readonly #answer: Answer;
  readonly #onEnded: () => void;
  readonly #boundary = new EventBoundary();
  readonly #dropFarewell: () => void;
  /** Runs from when it was asked to end until it does. */
  #timer: Timer | undefined;

  /** `onEnded`: the answer was ended; nothing more of the worker's can be passed on. */
  constructor(edge: Edge, holder: WorkerHolder | undefined, answer: Answer, onEnded: () => void) {
    this.#transport = edge.transport;
    this.#answer = answer;
    this.#onEnded = onEnded;
    this.#dropFarewell = edge.farewells.add(this, holder);
  }

  /** Passes bytes[start, end) on, as far as they are to be. */
  body(bytes: Buffer, start: number, end: number): void {
    if (this.#timer === undefined) {
      this.#boundary.follow(bytes, start, end);
      this.#answer.body(bytes, start, end);
      return;
    }
    this.#answer.body(bytes, start, this.#boundary.followToBoundary(bytes, start, end));
    if (this.#boundary.isReached) this.#end();
  }

  endGracefully(): void {
    if (this.#timer !== undefined) return;
    if (this.#boundary.isReached) {
      this.#end();
      return;
    }
    this.#timer = this.#transport.after(longestEventMs, () => {
      this.#end();
    });
  }

  /** The answer is over, however it ended. */
  stop(): void {
    this.#timer?.cancel();
    this.#dropFarewell();
  }

  #end(): void {
    this.#answer.end();
    this.#onEnded();
  }
}
