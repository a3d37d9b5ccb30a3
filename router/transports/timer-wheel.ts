// Coarse timers for tens of thousands of connections: arming one is a store, or moving a list entry. Entries sit in
// the slot of the earliest time they might be due and are moved on if they were armed anew meanwhile. It has no
// clock; its owner calls `advance`.

export interface WheelEntry {
  readonly onExpire: () => void;
  /** When it is due; Infinity while disarmed. */
  atMs: number;
  /** Start of the slot it sits in; -1 while it sits in none. */
  slot: number;
  next: WheelEntry | undefined;
  previous: WheelEntry | undefined;
}

const slotCount = 512;

export class TimerWheel {
  readonly #grainMs: number;
  readonly #slots: (WheelEntry | undefined)[] = new Array<WheelEntry | undefined>(slotCount).fill(undefined);
  /** Number of the slot that was handled last. */
  #current: number;
  #size = 0;

  constructor(grainMs: number, nowMs: number) {
    this.#grainMs = grainMs;
    this.#current = Math.floor(nowMs / grainMs);
  }

  /** Entries in the wheel, disarmed ones included until their slot comes. */
  get size(): number {
    return this.#size;
  }

  createEntry(onExpire: () => void): WheelEntry {
    return { onExpire, atMs: Infinity, slot: -1, next: undefined, previous: undefined };
  }

  /** Lets the entry expire at the first advance to `atMs` or later. */
  arm(entry: WheelEntry, atMs: number): void {
    entry.atMs = atMs;
    // A later time needs no move: when the slot comes, the entry is put where it belongs then.
    if (entry.slot !== -1 && entry.slot * this.#grainMs <= atMs) return;
    this.#unlink(entry);
    this.#link(entry);
  }

  /** Takes the entry out, so that it holds nothing alive. */
  disarm(entry: WheelEntry): void {
    entry.atMs = Infinity;
    this.#unlink(entry);
  }

  /** Handles every slot up to now. */
  advance(nowMs: number): void {
    const last = Math.floor(nowMs / this.#grainMs);
    // After a long stop (a suspended machine) one round visits every slot.
    if (last - this.#current > slotCount) this.#current = last - slotCount;
    while (this.#current < last) {
      this.#current++;
      this.#visit(this.#current, nowMs);
    }
  }

  #visit(slot: number, nowMs: number): void {
    let entry = this.#slots[slot % slotCount];
    const due: WheelEntry[] = [];
    while (entry !== undefined) {
      const next = entry.next;
      this.#unlink(entry);
      if (entry.atMs <= nowMs) due.push(entry);
      else if (entry.atMs !== Infinity) this.#link(entry);
      entry = next;
    }
    for (const entry of due) {
      // One that expired before it may have disarmed it, or armed it anew.
      if (entry.atMs > nowMs) continue;
      entry.atMs = Infinity;
      entry.onExpire();
    }
  }

  #link(entry: WheelEntry): void {
    const wanted = Math.ceil(entry.atMs / this.#grainMs);
    const slot = Math.min(Math.max(wanted, this.#current + 1), this.#current + slotCount - 1);
    const head = this.#slots[slot % slotCount];
    entry.slot = slot;
    entry.next = head;
    entry.previous = undefined;
    if (head !== undefined) head.previous = entry;
    this.#slots[slot % slotCount] = entry;
    this.#size++;
  }

  #unlink(entry: WheelEntry): void {
    if (entry.slot === -1) return;
    if (entry.previous === undefined) this.#slots[entry.slot % slotCount] = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
    entry.slot = -1;
    entry.next = undefined;
    entry.previous = undefined;
    this.#size--;
  }
}
