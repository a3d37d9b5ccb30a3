// The slots of one channel: which are free, whose connection each has, and what the worker writes down about it.
import { slotStates } from '../../../lib/handoff.ts';

export class Slots<Connection> {
  /** Shared with the worker, a byte per slot. */
  readonly #states: Uint8Array;
  readonly #taken = new Map<number, Connection>();
  /** Slots that were used and are free again; those from `#unused` on never were. */
  readonly #returned: number[] = [];
  #unused = 0;

  constructor(states: Uint8Array) {
    this.#states = states;
  }

  get connections(): Iterable<Connection> {
    return this.#taken.values();
  }

  get size(): number {
    return this.#taken.size;
  }

  at(slot: number): Connection | undefined {
    return this.#taken.get(slot);
  }

  /** A free slot, marked as idle; undefined where all are taken. It stays free until `take`. */
  find(): number | undefined {
    const slot = this.#returned.at(-1) ?? this.#unused;
    if (slot >= this.#states.length) return undefined;
    this.#states[slot] = slotStates.idle;
    return slot;
  }

  /** Gives the slot that `find` returned last to the connection. */
  take(slot: number, connection: Connection): void {
    if (this.#returned.at(-1) === slot) this.#returned.pop();
    else this.#unused++;
    this.#taken.set(slot, connection);
  }

  release(slot: number): void {
    if (this.#taken.delete(slot)) this.#returned.push(slot);
  }

  /** One of `slotStates`, unless the worker wrote something else. */
  stateOf(slot: number): number {
    return this.#states[slot] ?? slotStates.answering;
  }

  /** An answer on it is not whole. */
  isBusy(slot: number): boolean {
    return this.stateOf(slot) !== slotStates.idle;
  }
}
