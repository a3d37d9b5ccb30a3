// Connections to workers that wait for the next request. The one used last is used first, so that what is not needed
// grows old and is closed.
import type { Target } from '../core/target.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

const mostIdlePerTarget = 256;

/**
 * A request that must not be executed twice is sent only into a connection that was in use a moment ago: the longer
 * it idled, the likelier the worker closes it just now, and then nobody could tell whether the request arrived.
 */
const provenForMs = 1000;

export class UpstreamPool {
  readonly #idle = new Map<Target, UpstreamConnection[]>();

  /** An idle connection to the target, or undefined: connect anew. */
  take(target: Target, isIdempotent: boolean, nowMs: number): UpstreamConnection | undefined {
    const idle = this.#idle.get(target);
    const connection = idle?.at(-1);
    if (idle === undefined || connection === undefined) return undefined;
    if (!isIdempotent && connection.idleMs(nowMs) > provenForMs) return undefined;
    idle.pop();
    if (connection.isFresh(nowMs)) return connection;
    // Those below it are older still; their own deadlines end them.
    connection.destroy();
    return undefined;
  }

  put(connection: UpstreamConnection, nowMs: number): void {
    const { target } = connection;
    let idle = this.#idle.get(target);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(target, idle);
    }
    if (!target.isListed || idle.length >= mostIdlePerTarget) {
      connection.destroy();
      if (idle.length === 0) this.#idle.delete(target);
      return;
    }
    idle.push(connection);
    connection.rest(nowMs);
  }

  /** The connection is gone, or about to be. */
  remove(connection: UpstreamConnection): void {
    const idle = this.#idle.get(connection.target);
    const index = idle?.indexOf(connection) ?? -1;
    if (idle === undefined || index === -1) return;
    idle.splice(index, 1);
    if (idle.length === 0) this.#idle.delete(connection.target);
  }

  /** The target left the route table, or the router ends: nothing will be asked of these. */
  closeIdle(target: Target): void {
    const idle = this.#idle.get(target) ?? [];
    this.#idle.delete(target);
    for (const connection of idle) connection.destroy();
  }

  closeAll(): void {
    for (const target of [...this.#idle.keys()]) this.closeIdle(target);
  }
}
