// Ids for requests that bring none: unique for the router's life by a counter, among routers by what is drawn at
// the start. They name a request in logs; they are no secret. Pure: randomness is an argument.

export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  /** `random` is eight or more hexadecimal digits. */
  constructor(random: string) {
    this.#prefix = random;
  }

  next(): string {
    this.#count++;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
