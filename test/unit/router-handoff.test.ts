import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slotStates } from '../../lib/handoff.ts';
import {
  allowsHandoff,
  rulesFor,
  selectTaker,
  Streak,
  surpluses,
  type RulesSituation,
} from '../../router/core/handoff.ts';
import { RouteTable } from '../../router/core/route-table.ts';
import { Slots } from '../../router/edge/handoff/slots.ts';
import { route } from '../harness/router-process.ts';

describe('a streak of answers', () => {
  const begin = (): Streak => new Streak({ authority: 'a.test:80', host: 'a.test' });
  const count = (streak: Streak, times: number, authority = 'a.test:80'): void => {
    for (let nth = 0; nth < times; nth++) streak.count({ authority, host: 'a.test', minorVersion: 1 });
  };

  it('is due after as many answers as are asked for, and never where none are', () => {
    const streak = begin();
    assert.equal(streak.isDue(0), false);
    count(streak, 2);
    assert.equal(streak.isDue(3), false);
    count(streak, 1);
    assert.equal(streak.isDue(3), true);
    assert.equal(streak.isDue(0), false);
  });

  it('is over for good once another name is asked for, if only in another spelling', () => {
    for (const authority of ['b.test', 'a.test', 'A.test:80', '']) {
      const streak = begin();
      count(streak, 5);
      count(streak, 1, authority);
      count(streak, 100);
      streak.restart();
      count(streak, 100);
      assert.equal(streak.isDue(3), false, authority);
    }
  });

  it('is tried after twice as many answers each time it could not be used, and then after so many more', () => {
    const streak = begin();
    const tries: number[] = [];
    for (let answers = 1; answers <= 3100; answers++) {
      count(streak, 1);
      if (!streak.isDue(3)) continue;
      tries.push(answers);
      streak.defer();
    }
    assert.deepEqual(tries, [3, 6, 12, 24, 48, 96, 192, 384, 768, 1536, 2304, 3072]);
  });

  it('is none where requests are of HTTP/1.0', () => {
    const streak = begin();
    count(streak, 3);
    streak.count({ authority: 'a.test:80', host: 'a.test', minorVersion: 0 });
    assert.equal(streak.isDue(3), false);
  });

  it('begins anew when the connection came back', () => {
    const streak = begin();
    count(streak, 3);
    streak.defer();
    streak.restart();
    count(streak, 2);
    assert.equal(streak.isDue(3), false);
    count(streak, 1);
    assert.equal(streak.isDue(3), true);
  });
});

describe('the worker that takes a connection', () => {
  const candidate = { handoff: '/w', away: 0, suspendedUntilMs: 0, handoffPausedUntilMs: 0 };

  it('is the one that has the fewest, the first among equals', () => {
    const [a, b, c] = [3, 1, 1].map((away) => ({ ...candidate, away }));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    assert.equal(selectTaker([a, b, c], 0), b);
    const nobody: (typeof candidate)[] = [];
    assert.equal(selectTaker(nobody, 0), undefined);
  });

  it('is none that has no socket for it, is suspended, or could not be reached a moment ago', () => {
    const unfit = [
      { ...candidate, handoff: null },
      { ...candidate, suspendedUntilMs: 101 },
      { ...candidate, suspendedUntilMs: Infinity },
      { ...candidate, handoffPausedUntilMs: 101 },
    ];
    assert.equal(selectTaker(unfit, 100), undefined);
    const fit = { ...candidate, away: 9, suspendedUntilMs: 100, handoffPausedUntilMs: 100 };
    assert.equal(selectTaker([...unfit, fit], 100), fit);
  });
});

describe('workers give back what they have too many of', () => {
  it('so that one that came later gets its part', () => {
    assert.deepEqual(surpluses([50, 0]), [25, 0]);
    assert.deepEqual(surpluses([30, 30, 0]), [10, 10, 0]);
    assert.deepEqual(surpluses([100, 0, 0, 0]), [75, 0, 0, 0]);
    assert.deepEqual(surpluses([3, 0]), [0, 0]);
    assert.deepEqual(surpluses([4, 0]), [2, 0]);
  });

  it('but not for small differences', () => {
    for (const counts of [[], [7], [1, 0], [2, 1, 1], [10, 8], [100, 120, 90], [0, 0]]) {
      assert.deepEqual(
        surpluses(counts),
        counts.map(() => 0),
      );
    }
  });
});

describe('the rules that a worker is told', () => {
  const settings = { handoffAfter: 3, idleTimeoutMs: 75_000, generationHeader: false, accessLog: true };
  const situation: RulesSituation = {
    route: route({ handoff: true, limitPost: 7, drainMs: 5000 }),
    instance: 'app/3',
    isLive: true,
    graceMs: undefined,
    settings,
  };

  it('let it serve while everything allows it', () => {
    assert.deepEqual(rulesFor(situation), {
      type: 'rules',
      isServing: true,
      limitPost: 7,
      generation: null,
      accessLog: true,
      idleMs: 10_000,
      drainMs: 5000,
    });
  });

  const ends: readonly [why: string, change: Partial<RulesSituation>][] = [
    ['the worker is out of the table', { isLive: false }],
    ['the app forbids it', { route: route({ handoff: false }) }],
    ['a newer generation is tried', { route: route({ handoff: true, next: { targets: [], share: 0 } }) }],
    ['requests at a time are limited', { route: route({ handoff: true, maxConcurrency: 1 }) }],
    ['hand-off is turned off', { settings: { ...settings, handoffAfter: 0 } }],
    ['the router ends', { graceMs: 0 }],
  ];
  for (const [why, change] of ends) {
    it(`take everything back when ${why}`, () => {
      assert.equal(rulesFor({ ...situation, ...change }).isServing, false);
    });
  }

  it('say how long streams may take to end: the drain time, or what a router that ends has left', () => {
    assert.equal(rulesFor({ ...situation, isLive: false }).drainMs, 5000);
    assert.equal(rulesFor({ ...situation, graceMs: 800 }).drainMs, 800);
  });

  it('bound how long a connection idles at a worker by the idle timeout', () => {
    const idleMs = (idleTimeoutMs: number): number =>
      rulesFor({ ...situation, settings: { ...settings, idleTimeoutMs } }).idleMs;
    assert.deepEqual([0, 1, 9999, 60_000].map(idleMs), [10_000, 1, 9999, 10_000]);
  });

  it('name the generation where clients are told', () => {
    assert.equal(rulesFor({ ...situation, settings: { ...settings, generationHeader: true } }).generation, 'app/3');
  });

  it('forbid nothing by a route that allows it', () => {
    assert.equal(allowsHandoff(route({ handoff: true })), true);
  });
});

describe('a host belongs to an app as a whole', () => {
  const find = (host: string, ...domains: string[]): string | undefined =>
    new RouteTable(domains.map((domain) => ({ domain, app: domain }))).findWhole(host);

  it('where its only route has no path', () => {
    assert.equal(find('a.test', 'a.test'), 'a.test');
    assert.equal(find('x.a.test', '*.a.test', '*'), '*.a.test');
    assert.equal(find('b.test', 'a.test/part', '*'), '*');
    assert.equal(find('y.x.a.test', '*.a.test', '*.x.a.test'), '*.x.a.test');
  });

  it('and not where a path decides', () => {
    assert.equal(find('a.test', 'a.test', 'a.test/part'), undefined);
    assert.equal(find('a.test', 'a.test/part', '*'), undefined);
    assert.equal(find('x.a.test', '*.a.test/part', '*'), undefined);
    assert.equal(find('a.test', '*', '*/part'), undefined);
  });

  it('and not where nobody serves it', () => {
    assert.equal(find('b.test', 'a.test'), undefined);
    assert.equal(find('b.test'), undefined);
  });

  it('as every path of it is found', () => {
    const domains = ['a.test', '*.a.test', 'b.test/x', '*.c.test/x', '*.d.test', 'e.d.test/x', '*'];
    const table = new RouteTable(domains.map((domain) => ({ domain, app: domain })));
    for (const host of ['a.test', 'x.a.test', 'b.test', 'x.c.test', 'x.d.test', 'e.d.test', 'z']) {
      const whole = table.findWhole(host);
      if (whole === undefined) continue;
      for (const target of ['/', '/x', '/x/y', '/y', '*']) assert.equal(table.find(host, target)?.app, whole);
    }
  });
});

describe('the slots of a channel', () => {
  it('are as many as there are states, and each is one connection’s at a time', () => {
    const slots = new Slots<string>(new Uint8Array(3));
    const take = (name: string): number | undefined => {
      const slot = slots.find();
      if (slot !== undefined) slots.take(slot, name);
      return slot;
    };
    assert.deepEqual(['a', 'b', 'c', 'd'].map(take), [0, 1, 2, undefined]);
    slots.release(1);
    slots.release(1);
    assert.equal(slots.at(1), undefined);
    assert.deepEqual(['e', 'f'].map(take), [1, undefined]);
    assert.deepEqual([...slots.connections].sort(), ['a', 'c', 'e']);
    assert.equal(slots.size, 3);
  });

  it('stay free when what they were found for came to nothing', () => {
    const slots = new Slots<string>(new Uint8Array(2));
    assert.deepEqual([slots.find(), slots.find()], [0, 0]);
    slots.take(0, 'a');
    slots.take(1, 'b');
    slots.release(0);
    assert.deepEqual([slots.find(), slots.find()], [0, 0]);
    slots.take(0, 'c');
    assert.equal(slots.find(), undefined);
  });

  it('are marked idle for a new connection, whatever the last one left', () => {
    const states = new Uint8Array(1);
    const slots = new Slots<string>(states);
    slots.take(slots.find() ?? -1, 'a');
    assert.equal(slots.isBusy(0), false);
    states[0] = slotStates.busy;
    assert.equal(slots.isBusy(0), true);
    slots.release(0);
    slots.take(slots.find() ?? -1, 'b');
    assert.equal(slots.isBusy(0), false);
  });
});
