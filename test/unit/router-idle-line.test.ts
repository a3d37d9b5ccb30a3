import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdleLine, idleDueMs, type IdleClient } from '../../router/edge/idle-line.ts';
import type { Deadline } from '../../router/transports/transport.ts';

/** Time that stands still, and the one deadline of a line. */
class StillTime {
  #nowMs = 1000;
  armedMs = Infinity;
  arms = 0;
  #fire: () => void = () => undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  createDeadline(onExpire: () => void): Deadline {
    this.#fire = onExpire;
    return {
      arm: (delayMs) => {
        this.arms++;
        this.armedMs = this.#nowMs + delayMs;
      },
      disarm: () => {
        this.armedMs = Infinity;
      },
    };
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    if (this.armedMs > this.#nowMs) return;
    this.armedMs = Infinity;
    this.#fire();
  }
}

class Client implements IdleClient {
  idleSinceMs = 0;
  line: IdleLine | undefined;
  before: IdleClient | undefined;
  behind: IdleClient | undefined;
  isDue = false;

  onIdleTooLong(): void {
    assert.equal(this.line, undefined, 'it was taken out before');
    this.isDue = true;
  }
}

describe('a line of idle clients', () => {
  it('tells each when it has waited too long, and nobody sooner', () => {
    const time = new StillTime();
    const line = new IdleLine(time, (sinceMs) => sinceMs + 100);
    const clients = [new Client(), new Client(), new Client()];
    for (const client of clients) {
      line.add(client);
      time.advance(30);
    }
    assert.deepEqual(
      [9, 1, 29, 1, 30].map((ms) => {
        time.advance(ms);
        return clients.filter(({ isDue }) => isDue).length;
      }),
      [0, 1, 1, 2, 3],
    );
    assert.equal(time.armedMs, Infinity);
  });

  it('tells who comes after the time was made shorter, though nobody waited then', () => {
    const time = new StillTime();
    let patienceMs = 1000;
    const line = new IdleLine(time, (sinceMs) => sinceMs + patienceMs);
    const first = new Client();
    line.add(first);
    line.remove(first);
    patienceMs = 10;
    line.review();
    const client = new Client();
    line.add(client);
    time.advance(10);
    assert.equal(client.isDue, true);
  });

  it('arms its deadline once for many that come and go', () => {
    const time = new StillTime();
    const line = new IdleLine(time, (sinceMs) => sinceMs + 100);
    for (let round = 0; round < 50; round++) {
      const client = new Client();
      line.add(client);
      time.advance(1);
      line.remove(client);
    }
    assert.equal(time.arms, 1);
  });

  it('lets any of them leave', () => {
    for (const [leaving, ...others] of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 0, 1],
    ]) {
      const time = new StillTime();
      const line = new IdleLine(time, (sinceMs) => sinceMs + 100);
      const clients = [new Client(), new Client(), new Client()];
      for (const client of clients) line.add(client);
      const gone = clients[leaving ?? 0];
      assert.ok(gone !== undefined);
      line.remove(gone);
      assert.equal(gone.line, undefined);
      time.advance(100);
      assert.deepEqual(
        clients.map(({ isDue }) => isDue),
        [0, 1, 2].map((index) => others.includes(index)),
      );
    }
  });

  it('goes by what is granted now once it is reviewed', () => {
    const time = new StillTime();
    let timeoutMs = 0;
    const line = new IdleLine(time, (sinceMs) => idleDueMs(sinceMs, timeoutMs, undefined));
    const client = new Client();
    line.add(client);
    assert.equal(time.armedMs, Infinity);
    time.advance(500);
    timeoutMs = 501;
    line.review();
    assert.equal(time.armedMs, 1501);
    assert.ok(!client.isDue);
    timeoutMs = 500;
    line.review();
    assert.ok(client.isDue);
  });
});

describe('when an idle connection is due', () => {
  const retirement = { sinceMs: 100, idleMs: 50, untilMs: 400 };

  it('is after the timeout, and never where that is 0', () => {
    assert.equal(idleDueMs(10, 70, undefined), 80);
    assert.equal(idleDueMs(10, 0, undefined), Infinity);
  });

  it('is sooner where the router ends: so long after that, or after its last answer, but not beyond the end', () => {
    assert.equal(idleDueMs(10, 0, retirement), 150);
    assert.equal(idleDueMs(120, 0, retirement), 170);
    assert.equal(idleDueMs(390, 0, retirement), 400);
    assert.equal(idleDueMs(10, 70, retirement), 80);
  });
});
