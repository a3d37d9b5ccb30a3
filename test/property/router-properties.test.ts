// What holds of the router's pure parts for every input: selection, pool and drain, header policy.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Apps } from '../../router/core/apps.ts';
import { Lease, type PoolRefusal, type Waiter } from '../../router/core/pool.ts';
import { writeRequestHead } from '../../router/core/request-fields.ts';
import { RouteTable } from '../../router/core/route-table.ts';
import { selectTarget } from '../../router/core/selection.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';

describe('selection', () => {
  const candidate = fc.record({ inFlight: fc.nat({ max: 5 }), suspendedUntilMs: fc.constantFrom(0, 0, 0, 100) });

  it('picks a target that is free, and none that is busier than another one', () => {
    fc.assert(
      fc.property(
        fc.array(candidate, { maxLength: 8 }),
        fc.nat(),
        fc.nat({ max: 5 }),
        (targets, turn, maxConcurrency) => {
          const from = targets.length === 0 ? 0 : turn % targets.length;
          const index = selectTarget(targets, { from, maxConcurrency, nowMs: 50 });
          const free = targets.filter(
            ({ inFlight, suspendedUntilMs }) =>
              suspendedUntilMs <= 50 && (maxConcurrency === 0 || inFlight < maxConcurrency),
          );
          if (free.length === 0) assert.equal(index, -1);
          else {
            assert.ok(targets[index] !== undefined && free.includes(targets[index]));
            assert.equal(targets[index].inFlight, Math.min(...free.map(({ inFlight }) => inFlight)));
          }
        },
      ),
    );
  });

  it('gives equals the same number of turns', () => {
    const targets = [1, 2, 3].map(() => ({ inFlight: 0, suspendedUntilMs: 0 }));
    const counts = [0, 0, 0];
    let from = 0;
    for (let i = 0; i < 30; i++) {
      const index = selectTarget(targets, { from, maxConcurrency: 0, nowMs: 0 });
      counts[index] = (counts[index] ?? 0) + 1;
      from = (index + 1) % targets.length;
    }
    assert.deepEqual(counts, [10, 10, 10]);
  });
});

class Client implements Waiter {
  lease: Lease | undefined;
  refusal: PoolRefusal | undefined;
  calls = 0;

  onLease(lease: Lease): void {
    this.calls++;
    this.lease = lease;
  }

  onRefusal(refusal: PoolRefusal): void {
    this.calls++;
    this.refusal = refusal;
  }
}

type Step = readonly ['acquire' | 'release' | 'abandon' | 'suspend', number] | readonly ['publish', number, number];

describe('pools, whatever happens in whatever order', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom('acquire', 'release', 'abandon', 'suspend'), fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('publish'), fc.nat({ max: 3 }), fc.nat({ max: 3 })) },
  );

  it('never exceed the limits, never lose or double a lease, and are idle when all is released', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const run = new PoolRun();
        for (const [index, taken] of steps.entries()) run.take(taken, index);
        run.finish();
      }),
      { numRuns: 500 },
    );
  });
});

/** Drives one app's pool and keeps book beside it. */
class PoolRun {
  readonly #apps = new Apps({ onBusyChange: () => undefined, onUnlisted: () => undefined });
  readonly #clients: Client[] = [];
  #version = 0;
  readonly #queue = 3;
  readonly #maxConcurrency = 2;

  constructor() {
    this.#publish(1, 2);
  }

  take(step: Step, nowMs: number): void {
    const [kind, n] = step;
    const held = this.#clients.filter(({ lease }) => lease !== undefined);
    const client = held[n % Math.max(1, held.length)];
    if (kind === 'publish') this.#publish(n, step[2]);
    else if (kind === 'acquire') this.#acquire(nowMs);
    else if (kind === 'release') this.#release(client, nowMs);
    else if (kind === 'suspend') client?.lease?.target.suspend(nowMs);
    else {
      const waiting = this.#clients.filter((waiter) => waiter.calls === 0);
      const abandoned = waiting[n % Math.max(1, waiting.length)];
      if (abandoned !== undefined) {
        this.#pool().abandon(abandoned);
        abandoned.calls = 1;
      }
    }
    this.#check();
  }

  finish(): void {
    this.#publish(1, 1);
    for (
      let nowMs = 1000;
      this.#clients.some(({ lease, calls }) => lease !== undefined || calls === 0);
      nowMs += 1000
    ) {
      assert.ok(nowMs < 100_000, 'everyone is served or refused in the end');
      for (const client of this.#clients) this.#release(client, nowMs);
      this.#apps.expire(nowMs);
    }
    assert.deepEqual(this.#apps.busy(), []);
    assert.equal(this.#apps.queued, 0);
    for (const { workers } of this.#apps.stats()) for (const { inFlight } of workers) assert.equal(inFlight, 0);
  }

  #acquire(nowMs: number): void {
    const client = new Client();
    this.#clients.push(client);
    const result = this.#pool().acquire(client, nowMs);
    if (result === 'waiting') return;
    if (result instanceof Lease) client.onLease(result);
    else client.onRefusal(result);
  }

  #release(client: Client | undefined, nowMs: number): void {
    const lease = client?.lease;
    if (client === undefined || lease === undefined) return;
    client.lease = undefined;
    lease.release(nowMs);
  }

  #publish(generation: number, workers: number): void {
    const targets = Array.from({ length: workers }, (_, i) => ({
      key: `app/${generation}/${i}`,
      address: `unix:/${generation}/${i}`,
      weight: 1,
    }));
    const rules = {
      queue: this.#queue,
      maxConcurrency: this.#maxConcurrency,
      queueTimeoutMs: 50_000,
      limitPost: 0,
      next: null,
      drainMs: 0,
    };
    const app = { name: 'app', domains: ['*'], targets, hold: true, reason: '', ...rules };
    this.#apps.publish({ type: 'routes', version: ++this.#version, apps: [app] }, 0);
  }

  #pool(): NonNullable<ReturnType<Apps['find']>> {
    const pool = this.#apps.find('any', '/');
    assert.ok(pool !== undefined);
    return pool;
  }

  #check(): void {
    const pool = this.#pool();
    assert.ok(pool.queued <= this.#queue);
    const held = this.#clients.flatMap(({ lease }) => (lease === undefined ? [] : [lease]));
    assert.equal(new Set(held).size, held.length);
    for (const target of pool.targets) {
      assert.equal(target.inFlight, held.filter((lease) => lease.target === target).length);
      assert.ok(target.inFlight <= this.#maxConcurrency);
    }
    for (const { calls } of this.#clients) assert.ok(calls <= 1, 'nobody is called twice');
    const live = new Set(pool.targets.map(({ instance }) => instance));
    const busy = new Set(held.map(({ target }) => target.instance).filter((instance) => !live.has(instance)));
    assert.deepEqual(new Set(this.#apps.busy()), busy);
  }
}

describe('the route table', () => {
  const label = fc.constantFrom('a', 'b', 'c');
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const path = fc.array(fc.constantFrom('x', 'y', 'xy'), { maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
  const domain = fc
    .tuple(fc.constantFrom('', '*.', '*'), host, path)
    .map(([kind, name, prefix]) => `${kind === '*' ? '*' : kind + name}${prefix}`);

  it('finds what a walk through all domains finds', () => {
    fc.assert(
      fc.property(fc.array(domain, { maxLength: 12 }), host, path, (domains, name, target) => {
        const table = new RouteTable(domains.map((text, index) => ({ domain: text, app: index })));
        const found = table.find(name, target);
        const best = domains
          .map((text, index) => ({ index, rank: rankOf(text, name, target) }))
          .filter(({ rank }) => rank > 0)
          .sort((a, b) => b.rank - a.rank || a.index - b.index)[0];
        assert.equal(found, best?.index);
      }),
      { numRuns: 2000 },
    );
  });
});

/** How well a domain fits; 0: not at all. Written without the table's own parts. */
function rankOf(domain: string, host: string, target: string): number {
  const [name = '', ...segments] = domain.split('/');
  const wanted = segments.filter((segment) => segment !== '');
  const given = target.split('/').slice(1);
  if (wanted.some((segment, i) => given[i] !== segment)) return 0;
  const prefixRank = 1 + wanted.join('/').length;
  if (name === '*') return prefixRank;
  if (name.startsWith('*.')) return host.endsWith(name.slice(1)) ? 1000 * name.split('.').length + prefixRank : 0;
  return name === host ? 1_000_000 + prefixRank : 0;
}

describe('the head that a worker gets', () => {
  const name = fc.oneof(
    fc.constantFrom('Accept', 'x-forwarded-for', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Real-IP', 'Forwarded'),
    fc.constantFrom('X-Request-Id', 'Proxy', 'TE', 'Keep-Alive', 'Proxy-Connection', 'X_Forwarded_For', 'X.Y', 'X-Own'),
  );
  const value = fc.constantFrom('1.2.3.4', 'https', 'evil.test', 'trailers', 'a, b', 'v\u00e9');

  it('tells of the client only what the router saw, unless a trusted proxy says more', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), fc.boolean(), (fields, isTrusted) => {
        const lines = rewrite(fields, isTrusted);
        const values = (wanted: string): string[] => lines.filter(([key]) => key === wanted).map(([, text]) => text);
        for (const [key] of lines) assert.match(key, /^[a-z0-9-]+$/);
        for (const dropped of ['proxy', 'te', 'keep-alive', 'proxy-connection', 'connection']) {
          assert.deepEqual(values(dropped), []);
        }
        assert.equal(values('host').length, 1);
        assert.equal(values('x-request-id').length, 1);
        assert.equal(values('x-forwarded-for').length, 1);
        assert.ok(values('x-forwarded-for')[0]?.endsWith('9.9.9.9'));
        if (isTrusted) return;
        assert.deepEqual(values('x-forwarded-for'), ['9.9.9.9']);
        assert.deepEqual(values('x-forwarded-proto'), ['http']);
        assert.deepEqual(values('x-forwarded-host'), ['a.test:81']);
        assert.deepEqual(values('x-request-id'), ['id-1']);
        for (const dropped of ['x-real-ip', 'forwarded']) assert.deepEqual(values(dropped), []);
      }),
    );
  });
});

function rewrite(fields: readonly (readonly [string, string])[], isTrusted: boolean): (readonly [string, string])[] {
  const writer = new HeadWriter();
  let text = '';
  const parser = new RequestParser(
    {
      onHead: (head) => {
        const origin = { clientAddress: '9.9.9.9', isTrusted, requestId: 'id-1' };
        writeRequestHead(writer, head, origin, { kind: 'none' });
        text = writer.take().toString('latin1');
      },
      onBody: () => undefined,
      onTrailers: () => undefined,
      onEnd: () => undefined,
      onRefusal: ({ reason }) => {
        assert.fail(reason);
      },
    },
    { maxHeadBytes: 16_384, maxFields: 100 },
  );
  const lines = fields.map(([key, content]) => `${key}: ${content}\r\n`).join('');
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a.test:81\r\n${lines}\r\n`, 'latin1');
  parser.execute(bytes, 0, bytes.length);
  return text
    .split('\r\n')
    .slice(1, -2)
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const);
}
