// The requests of one connection whose answers are not over, in their order. There is hardly ever more than one, so the
// first has a place of its own: a Set, emptied and filled again by each request, cost 0.5 µs of 23.
import type { TakenRequest } from './taken-request.ts';

export class RunningRequests {
  #first: TakenRequest | undefined;
  #behind: TakenRequest[] | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  get all(): readonly TakenRequest[] {
    return this.#first === undefined ? [] : [this.#first, ...(this.#behind ?? [])];
  }

  add(request: TakenRequest): void {
    if (this.#first === undefined) this.#first = request;
    else (this.#behind ??= []).push(request);
  }

  /** Returns whether it was among them. */
  delete(request: TakenRequest): boolean {
    if (this.#first === request) {
      this.#first = this.#behind?.shift();
      return true;
    }
    const at = this.#behind?.indexOf(request) ?? -1;
    if (at >= 0) this.#behind?.splice(at, 1);
    return at >= 0;
  }
}
