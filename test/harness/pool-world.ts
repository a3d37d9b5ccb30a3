// The pool of one app by itself, with time in the test's hand.
import assert from 'node:assert/strict';
import type { AppRoute } from '../../lib/routes.ts';
import { Apps } from '../../router/core/apps.ts';
import { Lease } from '../../router/core/lease.ts';
import type { Pool } from '../../router/core/pool.ts';
import type { PoolRefusal, Waiter } from '../../router/core/waiting-line.ts';
import { route } from './router-process.ts';

/** Keeps whatever comes of its request. */
export class TestWaiter implements Waiter {
  readonly fraction: number;
  lease: Lease | undefined;
  refusal: PoolRefusal | undefined;

  constructor(fraction = 0.5) {
    this.fraction = fraction;
  }

  onLease(lease: Lease): void {
    this.lease = lease;
  }

  onRefusal(refusal: PoolRefusal): void {
    this.refusal = refusal;
  }

  outcome(): string {
    return this.lease === undefined ? (this.refusal?.kind ?? 'waiting') : 'leased';
  }

  /** Acquires, and keeps whatever comes of it. */
  acquire(pool: Pool, nowMs = 0): this {
    const result = pool.acquire(this, nowMs);
    if (result instanceof Lease) this.lease = result;
    else if (result !== 'waiting') this.refusal = result;
    return this;
  }
}

/** An app at a.test, and what its router was told. */
export interface PoolWorld {
  readonly apps: Apps;
  readonly events: string[];
  readonly publish: (...routes: Partial<AppRoute>[]) => void;
  readonly pool: () => Pool;
}

export function poolWorld(): PoolWorld {
  const events: string[] = [];
  const apps = new Apps({
    onBusyChange: () => events.push('busy'),
    onUnlisted: ({ key }) => events.push(`unlisted ${key}`),
  });
  let version = 0;
  return {
    apps,
    events,
    publish: (...routes) => {
      apps.publish({ type: 'routes', version: ++version, apps: routes.map(routeOf) }, 0);
    },
    pool: () => {
      const pool = apps.find('a.test', '/')?.app;
      assert.ok(pool !== undefined);
      return pool;
    },
  };
}

const routeOf = (app: Partial<AppRoute>): AppRoute => route({ queue: 2, queueTimeoutMs: 1000, ...app });

/** One target for each key. */
export const targetRoutes = (...keys: string[]): AppRoute['targets'] =>
  keys.map((key) => ({ key, address: `unix:/${key}`, weight: 1, handoff: null }));
