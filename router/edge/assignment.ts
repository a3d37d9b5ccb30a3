// How one request gets a worker: it waits in the app's pool, takes an idle connection or opens one, and looks again
// where the worker cannot be reached or the attempt may be repeated. It holds the lease from first to last.
import { Lease, type Pool, type PoolRefusal, type Waiter } from '../core/pool.ts';
import type { FailureCause } from '../core/triage.ts';
import type { Target } from '../core/target.ts';
import type { Edge } from './edge.ts';
import { UpstreamConnection, type UpstreamUser } from './upstream-connection.ts';

export interface AssignmentOwner extends UpstreamUser {
  /** A connected worker, which now expects the request. */
  onAssigned(upstream: UpstreamConnection): void;
  /** There will be no worker. `reason` is for the log. */
  onUnassigned(cause: FailureCause, reason: string): void;
  /** It waits for something else than before. */
  onWait(): void;
}

/** The worker may be there in a moment: its primary starts a new one behind the same socket. */
const transientCodes: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'ECONNRESET', 'EPIPE']);

export class Assignment implements Waiter {
  readonly pool: Pool;
  readonly #edge: Edge;
  readonly #owner: AssignmentOwner;
  readonly #isIdempotent: boolean;
  #lease: Lease | undefined;
  #upstream: UpstreamConnection | undefined;
  #isConnecting = false;
  /** Times the request was sent again. */
  #replays = 0;
  /** Since when it waits in the pool, and until when it may. */
  #waitingSinceMs = 0;
  #waitUntilMs = 0;
  #waitedMs = 0;

  constructor(edge: Edge, pool: Pool, owner: AssignmentOwner, isIdempotent: boolean) {
    this.#edge = edge;
    this.pool = pool;
    this.#owner = owner;
    this.#isIdempotent = isIdempotent;
  }

  get target(): Target | undefined {
    return this.#lease?.target;
  }

  get upstream(): UpstreamConnection | undefined {
    return this.#upstream;
  }

  get isConnecting(): boolean {
    return this.#isConnecting;
  }

  get replays(): number {
    return this.#replays;
  }

  /** How long it waited in the pool. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  start(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
    this.#waitUntilMs = nowMs + this.pool.route.queueTimeoutMs;
    this.#onAcquired(this.pool.acquire(this, nowMs), nowMs);
  }

  /** The worker is lost and the request may be sent again, to whichever is free. */
  replay(): void {
    this.#replays++;
    this.#startAgain();
  }

  /** The connection to the worker did not come about; looks for another if it may be there in a moment. */
  onUnreachable(code: string): void {
    this.#upstream = undefined;
    this.#isConnecting = false;
    const target = this.#lease?.target;
    if (target === undefined || !transientCodes.has(code)) {
      this.#owner.onUnassigned('worker-unreachable', code);
      return;
    }
    const { transport } = this.#edge;
    const nowMs = transport.nowMs();
    target.suspend(nowMs);
    transport.after(target.suspendedUntilMs - nowMs + 1, () => {
      this.pool.grant(transport.nowMs());
    });
    this.#startAgain();
  }

  onConnected(): void {
    this.#isConnecting = false;
    this.#lease?.target.prove();
    if (this.#upstream !== undefined) this.#owner.onAssigned(this.#upstream);
  }

  /** The connection ended by itself; the lease stays until it is clear whether the request goes on. */
  forgetUpstream(): void {
    this.#upstream = undefined;
  }

  /** The answer is whole. */
  finish(isReusable: boolean, nowMs: number): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    // Before the lease is released: who waits for it may use this very connection.
    if (upstream !== undefined) {
      if (isReusable) this.#edge.upstreams.put(upstream, nowMs);
      else upstream.destroy();
    }
    this.#lease?.release(nowMs);
  }

  /** Nothing more is wanted, whatever was reached. */
  cancel(nowMs: number): void {
    this.#upstream?.destroy();
    this.#upstream = undefined;
    this.pool.abandon(this);
    this.#lease?.release(nowMs);
  }

  /** The connection leaves for a tunnel; the lease stays. */
  detachUpstream(): void {
    this.#upstream = undefined;
  }

  onLease(lease: Lease): void {
    this.#take(lease, this.#edge.transport.nowMs());
  }

  onRefusal({ kind, reason }: PoolRefusal): void {
    this.#owner.onUnassigned(kind === 'down' ? 'app-down' : kind === 'removed' ? 'app-removed' : kind, reason);
  }

  #startAgain(): void {
    const nowMs = this.#edge.transport.nowMs();
    this.#waitingSinceMs = nowMs;
    this.#lease?.release(nowMs);
    this.#lease = undefined;
    this.#onAcquired(this.pool.acquireAgain(this, nowMs, this.#waitUntilMs), nowMs);
  }

  #onAcquired(result: Lease | 'waiting' | PoolRefusal, nowMs: number): void {
    if (result instanceof Lease) {
      this.#take(result, nowMs);
    } else if (result === 'waiting') {
      this.#edge.queueSweep.arm();
      this.#owner.onWait();
    } else {
      this.onRefusal(result);
    }
  }

  #take(lease: Lease, nowMs: number): void {
    this.#waitedMs += nowMs - this.#waitingSinceMs;
    this.#lease = lease;
    const { target } = lease;
    // A repetition must not meet another connection that is dying.
    const idle = this.#replays > 0 ? undefined : this.#edge.upstreams.take(target, this.#isIdempotent, nowMs);
    if (idle !== undefined) {
      this.#upstream = idle;
      idle.lend(this.#owner);
      this.#owner.onAssigned(idle);
      return;
    }
    this.#isConnecting = true;
    this.#upstream = new UpstreamConnection(this.#edge, target, this.#owner);
    this.#owner.onWait();
  }
}
