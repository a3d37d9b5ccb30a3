// What holds of the router's pure parts for every input: selection, health, route table, header policy.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { writeRequestHead } from '../../router/core/request-fields.ts';
import { RouteTable } from '../../router/core/route-table.ts';
import { selectByWeight, selectTarget } from '../../router/core/selection.ts';
import { TargetHealth } from '../../router/core/target-health.ts';
import { givenId } from '../../router/core/request-ids.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';

describe('selection', () => {
  const capacity = fc.constantFrom(Infinity, Infinity, 1, 3);
  const candidate = fc.record({
    inFlight: fc.nat({ max: 5 }),
    capacity,
    suspendedUntilMs: fc.constantFrom(0, 0, 0, 100),
  });

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
            ({ inFlight, capacity, suspendedUntilMs }) =>
              suspendedUntilMs <= 50 && (maxConcurrency === 0 || inFlight < maxConcurrency) && inFlight < capacity,
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
    const targets = [1, 2, 3].map(() => ({ inFlight: 0, capacity: Infinity, suspendedUntilMs: 0 }));
    const counts = [0, 0, 0];
    let from = 0;
    for (let i = 0; i < 30; i++) {
      const index = selectTarget(targets, { from, maxConcurrency: 0, nowMs: 0 });
      counts[index] = (counts[index] ?? 0) + 1;
      from = (index + 1) % targets.length;
    }
    assert.deepEqual(counts, [10, 10, 10]);
  });

  const weighted = fc.record({
    inFlight: fc.nat({ max: 5 }),
    capacity,
    suspendedUntilMs: fc.constantFrom(0, 0, 0, 100),
    weight: fc.integer({ min: 1, max: 5 }),
    credit: fc.constant(0),
  });

  it('by weight picks a target that is free, and none that is busier for its weight than another one', () => {
    fc.assert(
      fc.property(fc.array(weighted, { maxLength: 8 }), fc.nat({ max: 5 }), (targets, maxConcurrency) => {
        const chosen = targets[selectByWeight(targets, { maxConcurrency, nowMs: 50 })];
        const free = targets.filter(
          ({ inFlight, capacity, suspendedUntilMs }) =>
            suspendedUntilMs <= 50 && (maxConcurrency === 0 || inFlight < maxConcurrency) && inFlight < capacity,
        );
        if (free.length === 0) assert.equal(chosen, undefined);
        else {
          assert.ok(chosen !== undefined && free.includes(chosen));
          for (const { inFlight, weight } of free) assert.ok(chosen.inFlight * weight <= inFlight * chosen.weight);
        }
      }),
    );
  });

  it('by weight gives idle targets turns in proportion, and never owes one more than a turn', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), (weights) => {
        const targets = weights.map((weight) => ({
          inFlight: 0,
          capacity: Infinity,
          suspendedUntilMs: 0,
          weight,
          credit: 0,
        }));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const counts = weights.map(() => 0);
        for (let turn = 1; turn <= 3 * total; turn++) {
          const index = selectByWeight(targets, { maxConcurrency: 0, nowMs: 0 });
          counts[index] = (counts[index] ?? 0) + 1;
          for (const [i, weight] of weights.entries()) {
            assert.ok(Math.abs((counts[i] ?? 0) - (turn * weight) / total) < weights.length, 'spread evenly');
          }
        }
        assert.deepEqual(
          counts,
          weights.map((weight) => 3 * weight),
        );
      }),
    );
  });

  it('by weight fills targets in proportion when nothing ends', () => {
    const targets = [1, 3].map((weight) => ({
      inFlight: 0,
      capacity: Infinity,
      suspendedUntilMs: 0,
      weight,
      credit: 0,
    }));
    for (let i = 0; i < 40; i++) {
      const chosen = targets[selectByWeight(targets, { maxConcurrency: 0, nowMs: 0 })];
      if (chosen !== undefined) chosen.inFlight++;
    }
    assert.deepEqual(
      targets.map(({ inFlight }) => inFlight),
      [10, 30],
    );
  });
});

describe('the health of a target, whatever happens in whatever order', () => {
  const happening = fc.constantFrom('lease', 'lost', 'refused', 'full', 'answer', 'release', 'reached', 'unreached');

  it('gives at most one request to a target that returns, none to an ejected one, and can always be taken back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(happening, fc.nat()), { maxLength: 60 }), (happenings) => {
        const health = new TargetHealth();
        /** Of requests that it holds. */
        const epochs: number[] = [];
        const acts: Record<string, (at: number) => void> = {
          lease: () => {
            if (health.closedUntilMs === Infinity) return;
            health.lease();
            epochs.push(health.epoch);
          },
          answer: (at) => health.answer(epochs[at] ?? -1),
          release: (at) => {
            for (const epoch of epochs.splice(at, 1)) health.release(epoch);
          },
          reached: () => {
            health.probe(true);
          },
          unreached: () => {
            health.probe(false);
          },
        };
        for (const kind of ['lost', 'refused', 'full'] as const) {
          acts[kind] = (at) => health.fail(epochs[at] ?? -1, kind, 0);
        }
        for (const [what, n] of happenings) {
          acts[what]?.(n % Math.max(1, epochs.length));
          const isClosed = health.state === 'ejected' || health.state === 'tried';
          assert.equal(health.closedUntilMs === Infinity, isClosed);
        }
        health.probe(true);
        health.lease();
        health.answer(health.epoch);
        assert.equal(health.state, 'sound');
      }),
      { numRuns: 1000 },
    );
  });
});

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
        const found = table.find(name, target)?.app;
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
        const origin = { clientAddress: '9.9.9.9', isTrusted, requestId: givenId('id-1') };
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
