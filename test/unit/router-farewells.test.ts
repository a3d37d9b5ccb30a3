// When what never ends by itself is ended: the schedule, with time and chance held still.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from '../../router/core/pool.ts';
import { Target } from '../../router/core/target.ts';
import { Farewells } from '../../router/edge/farewells.ts';
import { route } from '../harness/router-process.ts';

/** Time that passes when the test says so. */
class Time {
  now = 1000;
  readonly #timers = new Set<{ readonly dueMs: number; readonly fire: () => void }>();

  readonly transport = {
    nowMs: (): number => this.now,
    after: (delayMs: number, fire: () => void): { cancel(): void } => {
      const timer = { dueMs: this.now + delayMs, fire };
      this.#timers.add(timer);
      return { cancel: () => this.#timers.delete(timer) };
    },
  };

  get armed(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (const timer of [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)) {
      if (Math.round(timer.dueMs) > until || !this.#timers.delete(timer)) continue;
      this.now = Math.round(timer.dueMs);
      timer.fire();
    }
    this.now = until;
  }
}

interface Scene {
  readonly time: Time;
  readonly farewells: Farewells;
  readonly target: Target;
  readonly ended: number[];
  /** Adds a stream that notes when it was asked to end. */
  readonly add: () => () => void;
  readonly unlist: () => void;
  readonly relist: () => void;
}

function scene({ drainMs = 10_000, chances = [0.5] }: { drainMs?: number; chances?: number[] } = {}): Scene {
  const time = new Time();
  let turn = 0;
  const farewells = new Farewells({
    transport: time.transport,
    random: () => chances[turn++ % chances.length] ?? 0,
  });
  const events = { onRetired: (): void => undefined };
  const pool = new Pool(route({ drainMs }), events);
  const target = new Target('app/1/1', 'unix:/w');
  target.inFlight = 1;
  const ended: number[] = [];
  const stream = { endGracefully: () => ended.push(time.now) };
  return {
    time,
    farewells,
    target,
    ended,
    add: () => farewells.add(stream, { pool, target }),
    unlist: () => {
      target.isListed = false;
      farewells.onUnlisted(target);
      farewells.review();
    },
    relist: () => {
      target.isListed = true;
      farewells.review();
    },
  };
}

describe('the schedule of endings', () => {
  it('ends nothing as long as its worker is in the table', () => {
    const { time, add, farewells, ended } = scene();
    add();
    farewells.review();
    time.pass(1e9);
    assert.deepEqual([ended, time.armed], [[], 0]);
  });

  it('spreads the ends over the drain time, none at its very start or end', () => {
    const { time, add, unlist, ended } = scene({ chances: [0, 0.25, 0.5, 0.75, 0.999] });
    for (let i = 0; i < 5; i++) add();
    unlist();
    const start = time.now;
    time.pass(10_000);
    assert.deepEqual(
      ended.map((at) => at - start),
      [1000, 3000, 5000, 7000, 8992],
    );
  });

  it('keeps each moment whatever tables come meanwhile', () => {
    const { time, add, unlist, ended } = scene();
    add();
    unlist();
    time.pass(4000);
    unlist();
    time.pass(999);
    assert.equal(ended.length, 0);
    time.pass(1);
    assert.equal(ended.length, 1);
  });

  it('ends at once where there is no drain time', () => {
    const { time, add, unlist, ended } = scene({ drainMs: 0 });
    add();
    unlist();
    time.pass(0);
    assert.equal(ended.length, 1);
  });

  it('ends nothing of a worker that came back into the table, and all of it when it leaves again', () => {
    const { time, add, unlist, relist, ended } = scene();
    add();
    unlist();
    time.pass(4000);
    relist();
    time.pass(1e6);
    assert.deepEqual([ended, time.armed], [[], 0]);
    unlist();
    time.pass(4999);
    assert.equal(ended.length, 0);
    time.pass(1);
    assert.equal(ended.length, 1);
  });

  it('counts the time of a stream that began after its worker had left from when that left', () => {
    const { time, add, unlist, ended } = scene();
    unlist();
    time.pass(4000);
    add();
    time.pass(999);
    assert.equal(ended.length, 0);
    time.pass(1);
    assert.equal(ended.length, 1);
    time.pass(5000);
    add();
    time.pass(0);
    assert.equal(ended.length, 2, 'one that begins too late ends at once');
  });

  it('leaves alone what ended by itself', () => {
    const { time, add, unlist, ended } = scene();
    const drop = add();
    unlist();
    drop();
    time.pass(1e6);
    assert.deepEqual([ended, time.armed], [[], 0]);
  });

  it('ends everything within the grace of a router that ends, what drains already not later than it would', () => {
    const { time, add, unlist, relist, farewells, ended } = scene({ drainMs: 1000 });
    add();
    unlist();
    farewells.endAll(100_000);
    time.pass(500);
    assert.equal(ended.length, 1);
    add();
    relist();
    time.pass(49_499);
    assert.equal(ended.length, 1);
    time.pass(1);
    assert.equal(ended.length, 2);
  });

  it('ends sooner when the grace becomes shorter', () => {
    const { time, add, farewells, ended } = scene();
    add();
    farewells.endAll(100_000);
    time.pass(10);
    farewells.endAll(100);
    time.pass(50);
    assert.equal(ended.length, 1);
    assert.equal(time.armed, 0);
  });
});
