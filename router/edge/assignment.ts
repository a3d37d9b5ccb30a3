// How one request gets a worker: it waits in the app's pool, takes an idle connection or opens one, and looks again
// where the worker cannot be reached or the attempt may be repeated. It holds the lease from first to last.
import { Lease } from '../core/lease.ts';
import type { Pool } from '../core/pool.ts';
import { judgeRetry, type Attempt } from '../core/retry.ts';
import type { TalliedAttempt } from '../core/rollout-tally.ts';
import type { FailureCause } from '../core/triage.ts';
import type { Target } from '../core/target.ts';
import type { PoolRefusal, Waiter } from '../core/waiting-line.ts';
import type { Edge } from './edge.ts';
import { UpstreamConnection, type UpstreamOpener, type UpstreamUser } from './upstream-connection.ts';

export interface AssignmentOwner extends UpstreamUser {
  /** As in Waiter. */
  readonly fraction: number;
  /** A connected worker, which now expects the request. */
  onAssigned(upstream: UpstreamConnection): void;
  /** There will be no worker. `detail` is for the log. */
  fail(cause: FailureCause, page: undefined, detail: string): void;
  /** It waits for something else than before. */
  onMove(): void;
}

/** What a worker had of a request when it was lost. */
type SentRequest = Pick<Attempt, 'bytesSent' | 'isReplayable'>;

/**
 * The worker, or the backend that we do not run, may be there in a moment: its primary starts a new one behind the same
 * socket, its host comes back.
 */
const transientCodes: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
]);
/** The router itself lacks something: no fault of the worker. */
const ownCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

export class Assignment implements Waiter, UpstreamOpener {
  readonly pool: Pool;
  readonly #edge: Edge;
  readonly #owner: AssignmentOwner;
  readonly #isIdempotent: boolean;
  #lease: Lease | undefined;
  #upstream: UpstreamConnection | undefined;
  #isConnecting = false;
  /** The connection was opened for this request: its loss cannot be that of a connection which idled too long. */
  #isFresh = false;
  /** Set while a newer generation is tried and the request is with a worker. */
  #tallied: TalliedAttempt | undefined;
  /** Times the request was sent again. */
  #replays = 0;
  #isWaiting = false;
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

  get fraction(): number {
    return this.#owner.fraction;
  }

  get target(): Target | undefined {
    return this.#lease?.target;
  }

  /** Of the worker that has the request, if clients are to be told. */
  get generation(): string | undefined {
    return this.#edge.settings.generationHeader ? this.target?.instance : undefined;
  }

  get upstream(): UpstreamConnection | undefined {
    return this.#upstream;
  }

  get isConnecting(): boolean {
    return this.#isConnecting;
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
    // It waited before, and ran since: the time that it may wait begins anew.
    this.#waitUntilMs = this.#edge.transport.nowMs() + this.pool.route.queueTimeoutMs;
    this.#startAgain();
  }

  /** The connection to the worker did not come about; looks for another if one may be there in a moment. */
  onUnreachable(code: string): void {
    this.#upstream = undefined;
    this.#isConnecting = false;
    if (this.#lease !== undefined && !ownCodes.has(code)) {
      this.#edge.prober.onFault(this.pool, this.#lease, code === 'EAGAIN' ? 'full' : 'refused', code);
    }
    if (transientCodes.has(code)) this.#startAgain();
    else this.#owner.fail('worker-unreachable', undefined, code);
  }

  onConnected(): void {
    this.#isConnecting = false;
    if (this.#upstream === undefined) return;
    this.#upstream.lend(this.#owner);
    this.#send(this.#upstream);
  }

  /** The head of the final answer came. */
  onAnswered(status: number, nowMs: number): void {
    if (this.#lease !== undefined) this.#edge.prober.onAnswer(this.pool, this.#lease);
    this.#tallied?.answer(status, nowMs);
  }

  /** The connection ended by itself, after something of an answer; the lease stays until the exchange is over. */
  onLostAnswered(): void {
    this.#upstream = undefined;
    this.#tallied?.lose();
    this.#tallied = undefined;
  }

  /**
   * The connection ended by itself, before anything of an answer; the lease stays until it is clear whether the request
   * goes on. Returns whether it is to be sent again (`replay`); takes from the budget what that costs.
   */
  onLost(method: string, sent: SentRequest, reason: string): boolean {
    const isRepeated = this.#mayReplay(method, sent);
    this.onLostAnswered();
    if (this.#isFresh && this.#lease !== undefined) this.#edge.prober.onFault(this.pool, this.#lease, 'lost', reason);
    return isRepeated;
  }

  /** The worker is to blame for the failure of the exchange. */
  onFailedByWorker(): void {
    this.#tallied?.lose();
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
    this.#tallied?.end();
    if (this.#isWaiting) this.pool.abandon(this);
    this.#lease?.release(nowMs);
  }

  /** The connection leaves for a tunnel; the lease stays. */
  detachUpstream(): void {
    this.#upstream = undefined;
  }

  onLease(lease: Lease): void {
    this.#isWaiting = false;
    this.#take(lease, this.#edge.transport.nowMs());
  }

  onRefusal({ kind, reason }: PoolRefusal): void {
    this.#isWaiting = false;
    this.#owner.fail(kind === 'down' ? 'app-down' : kind === 'removed' ? 'app-removed' : kind, undefined, reason);
  }

  #mayReplay(method: string, { bytesSent, isReplayable }: SentRequest): boolean {
    const bytesReceived = this.#upstream?.bytesReceived ?? 0;
    const verdict = judgeRetry({ method, bytesSent, isReplayable, bytesReceived, replays: this.#replays });
    return verdict === 'again' || (verdict === 'replay' && this.pool.budget.spend());
  }

  #startAgain(): void {
    const nowMs = this.#edge.transport.nowMs();
    const avoided = this.#lease?.target;
    this.#waitingSinceMs = nowMs;
    this.#lease?.release(nowMs);
    this.#lease = undefined;
    this.#onAcquired(this.pool.acquireAgain(this, nowMs, { deadlineMs: this.#waitUntilMs, avoided }), nowMs);
  }

  #onAcquired(result: Lease | 'waiting' | PoolRefusal, nowMs: number): void {
    if (result instanceof Lease) {
      this.#take(result, nowMs);
    } else if (result === 'waiting') {
      this.#isWaiting = true;
      this.#edge.queueSweep.arm();
      this.#owner.onMove();
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
    this.#isFresh = idle === undefined;
    if (idle !== undefined) {
      this.#upstream = idle;
      idle.lend(this.#owner);
      this.#send(idle);
      return;
    }
    this.#isConnecting = true;
    this.#upstream = new UpstreamConnection(this.#edge, target, this);
    this.#owner.onMove();
  }

  #send(upstream: UpstreamConnection): void {
    const { tally } = this.pool;
    if (tally !== undefined) this.#tallied = tally.begin(upstream.target.instance, this.#edge.transport.nowMs());
    this.#owner.onAssigned(upstream);
  }
}
