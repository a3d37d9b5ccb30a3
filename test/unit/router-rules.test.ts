// The router's small pure rules: retries, failures, patience, trusted proxies, the form of an error page, timers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { preferredForm } from '../../lib/accepted-types.ts';
import { judgePatience, type Situation } from '../../router/core/patience.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import { RequestIds } from '../../router/core/request-ids.ts';
import { judgeRetry, RetryBudget, type Attempt } from '../../router/core/retry.ts';
import { judgeFailure, type FailureCause } from '../../router/core/triage.ts';
import { invalidEntries, TrustedProxies } from '../../router/core/trusted-proxies.ts';
import { TimerWheel } from '../../router/transports/timer-wheel.ts';

describe('a request may be sent again', () => {
  const attempt: Attempt = { bytesSent: 10, bytesReceived: 0, method: 'GET', isReplayable: true, replays: 0 };
  const cases: [string, Partial<Attempt>, string][] = [
    ['if it is idempotent and no byte came back', {}, 'replay'],
    ['if nothing was sent, whatever its method', { method: 'POST', bytesSent: 0 }, 'again'],
    ['never if it is a POST that was sent', { method: 'POST' }, 'no'],
    ['never if it is a PATCH that was sent', { method: 'PATCH' }, 'no'],
    ['never after a byte of an answer', { bytesReceived: 1 }, 'no'],
    ['never twice', { replays: 1 }, 'no'],
    ['never if its body is not all there any more', { isReplayable: false }, 'no'],
    ['never if its body is not all there, even if nothing was sent', { isReplayable: false, bytesSent: 0 }, 'no'],
  ];
  for (const [name, change, expected] of cases) {
    it(name, () => {
      assert.equal(judgeRetry({ ...attempt, ...change }), expected);
    });
  }

  it('only for a fifth of the requests, and a handful at first', () => {
    const budget = new RetryBudget();
    let spent = 0;
    while (budget.spend()) spent++;
    assert.equal(spent, 10);
    for (let i = 0; i < 50; i++) budget.earn();
    while (budget.spend()) spent++;
    assert.ok(spent === 19 || spent === 20, String(spent));
  });

  it('for all that a dying worker held under load, and no more than a hundred at once', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 10_000; i++) budget.earn();
    let spent = 0;
    while (budget.spend()) spent++;
    assert.equal(spent, 100);
  });
});

describe('a failure', () => {
  const statuses: [FailureCause, number][] = [
    ['client-gone', 499],
    ['client-malformed', 400],
    ['client-slow-head', 408],
    ['client-slow-body', 408],
    ['body-too-large', 413],
    ['unknown-host', 404],
    ['app-down', 503],
    ['queue-full', 503],
    ['queue-timeout', 503],
    ['worker-unreachable', 502],
    ['worker-closed', 502],
    ['worker-garbage', 502],
    ['worker-silent', 504],
    ['shutdown', 503],
  ];
  for (const [cause, status] of statuses) {
    it(`${cause} is answered ${status}`, () => {
      const verdict = judgeFailure(cause);
      assert.equal(verdict.status, status);
      assert.equal(verdict.retryAfter > 0, status === 503);
      assert.match(verdict.message, /^[A-Z].*\.$/);
      assert.ok(cause.startsWith(verdict.blame) || verdict.blame === 'router' || status === 404 || status === 413);
    });
  }
});

describe('patience', () => {
  const timeouts = { bodyTimeoutMs: 30, idleTimeoutMs: 75, upstreamTimeoutMs: 60 };
  const still: Situation = {
    isClientBlocked: false,
    hasClientEnded: false,
    awaitsBody: false,
    awaits: 'worker',
    movedMs: 1000,
    clientMovedMs: 500,
  };
  const cases: [string, Partial<Situation>, string | undefined, number][] = [
    ['with a silent worker ends after upstream-timeout', {}, 'worker-silent', 1060],
    ['with a connection that does not come about, too', { awaits: 'connection' }, 'worker-unreachable', 1060],
    ['with a client that owes its body counts from its last byte', { awaitsBody: true }, 'client-slow-body', 530],
    ['with a client that does not read ends after idle-timeout', { isClientBlocked: true }, 'client-not-reading', 1075],
    ['with a half-closed client ends after a second', { hasClientEnded: true }, 'client-gone', 2000],
    ['of who waits in the queue is kept by the queue', { awaits: 'nothing' }, undefined, 0],
  ];
  for (const [name, change, cause, dueMs] of cases) {
    it(name, () => {
      assert.deepEqual(
        judgePatience({ ...still, ...change }, timeouts),
        cause === undefined ? undefined : { cause, dueMs },
      );
    });
  }

  it('is endless where the timeout is 0', () => {
    assert.equal(judgePatience(still, { ...timeouts, upstreamTimeoutMs: 0 }), undefined);
  });
});

describe('trusted proxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '2001:db8::1', '::ffff:172.16.0.0/108']);
  const cases: [string, boolean][] = [
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.168.1.7', true],
    ['192.168.1.8', false],
    ['fd12:3456::1', true],
    ['fe80::1%eth0', false],
    ['2001:db8::1', true],
    ['2001:db8:0:0:0:0:0:1', true],
    ['2001:db8::2', false],
    ['::ffff:10.1.2.3', true],
    ['172.16.5.5', true],
    ['172.32.0.1', false],
    ['', false],
    ['nonsense', false],
    ['1.2.3', false],
    ['::1::2', false],
  ];
  for (const [address, expected] of cases) {
    it(`${expected ? 'include' : 'do not include'} "${address}"`, () => {
      assert.equal(proxies.trusts(address), expected);
    });
  }

  it('include unix-socket clients only by name', () => {
    assert.equal(new TrustedProxies(['unix']).trusts(''), true);
    assert.equal(new TrustedProxies(['unix']).trusts('127.0.0.1'), false);
  });

  it('include everyone by a prefix of 0', () => {
    assert.equal(new TrustedProxies(['0.0.0.0/0']).trusts('8.8.8.8'), true);
    assert.equal(new TrustedProxies(['0.0.0.0/0']).trusts('2001::1'), false);
  });

  it('tell which entries name nobody', () => {
    const wrong = ['10.0.0.0/33', '10.0.0', '10.0.0.01', 'fd00::/129', 'example.com', '1.1.1.1/', '::/0/0'];
    assert.deepEqual(invalidEntries(['10.0.0.0/8', 'unix', ...wrong]), wrong);
  });
});

describe('the form of an error page', () => {
  const cases: [string | undefined, string][] = [
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['application/json', 'json'],
    ['Application/JSON, text/plain;q=0.5', 'json'],
    ['application/json;q=0.2, text/html;q=0.3', 'html'],
    ['application/*', 'json'],
    ['image/png', 'text'],
    ['text/html;q=0', 'text'],
    ['text/html;q=x', 'text'],
  ];
  for (const [accept, form] of cases) {
    it(`is ${form} for Accept: ${String(accept)}`, () => {
      assert.equal(preferredForm(accept), form);
    });
  }
});

describe('request ids', () => {
  it('are all different and name the router', () => {
    const ids = new RequestIds('0123abcd');
    const made = new Set(Array.from({ length: 1000 }, () => ids.next().text));
    assert.equal(made.size, 1000);
    for (const id of made) assert.match(id, /^0123abcd-[0-9a-z]+$/);
  });

  it('are the same to the worker as in the log', () => {
    const ids = new RequestIds('0123abcd');
    const writer = new HeadWriter();
    for (let nth = 0; nth < 50_000; nth++) {
      const id = ids.next();
      writer.clear();
      id.write(writer);
      assert.equal(writer.take().toString('latin1'), id.text);
    }
  });
});

describe('the timer wheel', () => {
  it('expires an entry at the first advance after its time, once', () => {
    const wheel = new TimerWheel(250, 0);
    let fired = 0;
    const entry = wheel.createEntry(() => fired++);
    wheel.arm(entry, 600);
    wheel.advance(599);
    assert.equal(fired, 0);
    wheel.advance(750);
    wheel.advance(10_000);
    assert.equal(fired, 1);
    assert.equal(wheel.size, 0);
  });

  it('obeys the last time an entry was armed for, later or earlier', () => {
    const wheel = new TimerWheel(250, 0);
    const fired: string[] = [];
    const later = wheel.createEntry(() => fired.push('later'));
    const earlier = wheel.createEntry(() => fired.push('earlier'));
    wheel.arm(later, 500);
    wheel.arm(later, 5000);
    wheel.arm(earlier, 5000);
    wheel.arm(earlier, 500);
    wheel.advance(1000);
    assert.deepEqual(fired, ['earlier']);
    wheel.advance(5000);
    assert.deepEqual(fired, ['earlier', 'later']);
  });

  it('expires an entry that lies further ahead than the wheel is long', () => {
    const wheel = new TimerWheel(250, 0);
    let fired = 0;
    wheel.arm(
      wheel.createEntry(() => fired++),
      3_600_000,
    );
    for (let now = 0; now < 3_600_000; now += 100_000) wheel.advance(now);
    assert.equal(fired, 0);
    wheel.advance(3_600_000);
    assert.equal(fired, 1);
  });

  it('does not expire what another entry disarmed or put off in the same moment', () => {
    const wheel = new TimerWheel(250, 0);
    const fired: string[] = [];
    const victims = [1, 2].map((name) => wheel.createEntry(() => fired.push(`victim ${name}`)));
    const killer = wheel.createEntry(() => {
      fired.push('killer');
      if (victims[0] !== undefined) wheel.disarm(victims[0]);
      if (victims[1] !== undefined) wheel.arm(victims[1], 2000);
    });
    for (const victim of victims) wheel.arm(victim, 300);
    wheel.arm(killer, 300);
    wheel.advance(1000);
    assert.deepEqual(fired, ['killer']);
    wheel.advance(2000);
    assert.deepEqual(fired, ['killer', 'victim 2']);
  });

  it('catches up after a stop that is longer than a round', () => {
    const wheel = new TimerWheel(250, 0);
    let fired = 0;
    for (let at = 300; at < 100_000; at += 777)
      wheel.arm(
        wheel.createEntry(() => fired++),
        at,
      );
    wheel.advance(10_000_000);
    assert.equal(wheel.size, 0);
    assert.equal(fired, Math.ceil((100_000 - 300) / 777));
  });
});
