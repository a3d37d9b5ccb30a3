// When tunnels and event streams, which never end by themselves, are ended: at moments spread over the drain time of
// a worker that left the route table, or over the grace of a router that ends, so that not all of an app's clients
// come back in the same second. It decides when; how is the stream's own affair.
import type { Timer } from '../../lib/clock.ts';
import type { Pool } from '../core/pool.ts';
import type { Target } from '../core/target.ts';
import type { Transport } from '../transports/transport.ts';

/** The moments lie within this part of the time that there is; what is left of it is for the ending itself. */
const earliest = 0.1;
const latest = 0.9;

export interface LastingStream {
  /** Called once, unless it was removed before: end as the client understands it. */
  endGracefully(): void;
}

/** What got the stream its worker: an assignment. */
export interface WorkerHolder {
  readonly pool: Pool;
  readonly target: Target | undefined;
}

export interface FarewellOptions {
  readonly transport: Pick<Transport, 'after' | 'nowMs'>;
  /** 0 … 1 */
  readonly random: () => number;
}

/** A time within which streams are to end. */
interface Span {
  readonly fromMs: number;
  readonly forMs: number;
}

interface Entry {
  readonly stream: LastingStream;
  readonly pool: Pool;
  readonly target: Target;
  /** Its place in whatever span comes. */
  readonly part: number;
  dueMs: number;
  timer: Timer | undefined;
}

export class Farewells {
  readonly #options: FarewellOptions;
  readonly #entries = new Set<Entry>();
  /** Since when targets that may still have streams are out of the table. */
  readonly #unlistedMs = new Map<Target, number>();
  #shutdown: Span | undefined;

  constructor(options: FarewellOptions) {
    this.#options = options;
  }

  /** Takes a stream in; the returned function takes it out, before or after its end. */
  add(stream: LastingStream, holder: WorkerHolder | undefined): () => void {
    const { pool, target } = holder ?? {};
    if (pool === undefined || target === undefined) return () => undefined;
    const part = earliest + (latest - earliest) * this.#options.random();
    const entry: Entry = { stream, pool, target, part, dueMs: Infinity, timer: undefined };
    this.#entries.add(entry);
    this.#schedule(entry);
    return () => {
      entry.timer?.cancel();
      this.#entries.delete(entry);
    };
  }

  /** The target left the table, now or earlier. */
  onUnlisted(target: Target): void {
    if (!this.#unlistedMs.has(target)) this.#unlistedMs.set(target, this.#options.transport.nowMs());
  }

  /** A table was published: targets left it, or came back. */
  review(): void {
    for (const target of this.#unlistedMs.keys()) {
      if (target.isListed || target.isFree) this.#unlistedMs.delete(target);
    }
    for (const entry of this.#entries) this.#schedule(entry);
  }

  /** The router ends within `forMs`. */
  endAll(forMs: number): void {
    this.#shutdown = { fromMs: this.#options.transport.nowMs(), forMs };
    for (const entry of this.#entries) this.#schedule(entry);
  }

  #schedule(entry: Entry): void {
    const dueMs = Math.min(this.#drainEnd(entry), momentIn(this.#shutdown, entry.part));
    if (dueMs === entry.dueMs) return;
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.dueMs = dueMs;
    if (dueMs === Infinity) return;
    const { transport } = this.#options;
    entry.timer = transport.after(Math.max(0, dueMs - transport.nowMs()), () => {
      this.#entries.delete(entry);
      entry.stream.endGracefully();
    });
  }

  #drainEnd({ pool, target, part }: Entry): number {
    if (target.isListed) return Infinity;
    const fromMs = this.#unlistedMs.get(target) ?? this.#options.transport.nowMs();
    return momentIn({ fromMs, forMs: pool.route.drainMs }, part);
  }
}

function momentIn(span: Span | undefined, part: number): number {
  return span === undefined ? Infinity : span.fromMs + span.forMs * part;
}
