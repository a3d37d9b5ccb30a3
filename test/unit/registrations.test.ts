// A backend that registered is known until it is withdrawn or its time is up, whatever the wall clock does meanwhile.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mostRegistrations, Registrations } from '../../emperor/registrations.ts';
import type { Clock } from '../../lib/clock.ts';

/** A clock that stands still until it is moved on; timers then fire in their order. */
class HeldClock implements Clock {
  wall = 1_000_000;
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly fire: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.wall;
  }

  after(delayMs: number, fire: () => void): { cancel: () => void } {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }

  get armed(): number {
    return this.#timers.length;
  }

  moveOn(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      this.#timers = this.#timers.filter((one) => one !== next);
      next.fire();
    }
    this.#nowMs = endMs;
  }
}

interface World {
  readonly clock: HeldClock;
  readonly registrations: Registrations;
  readonly told: string[];
}

function world(): World {
  const clock = new HeldClock();
  const told: string[] = [];
  const registrations = new Registrations({ clock, onChange: (app) => told.push(app) });
  return { clock, registrations, told };
}

const at = (port: number, ttlMs = 30_000, weight = 1): { address: string; weight: number; ttlMs: number } => ({
  address: `127.0.0.1:${port}`,
  weight,
  ttlMs,
});

describe('registrations', () => {
  it('are listed in one order, whatever the order they came in', () => {
    const { registrations } = world();
    for (const port of [3002, 3000, 3001]) registrations.put('shop', at(port));
    assert.deepEqual(registrations.all('shop'), [at(3000), at(3001), at(3002)]);
    assert.deepEqual(registrations.all('other'), []);
  });

  it('are withdrawn when their time is up, each at its own', () => {
    const { clock, registrations, told } = world();
    registrations.put('shop', at(3000, 10_000));
    registrations.put('shop', at(3001, 20_000));
    registrations.put('blog', at(3000, 10_000));
    assert.equal(registrations.nextDeadlineMs, 10_000);
    clock.moveOn(9_999);
    assert.equal(registrations.all('shop').length, 2);
    told.length = 0;
    clock.moveOn(1);
    assert.deepEqual(registrations.all('shop'), [at(3001, 20_000)]);
    assert.deepEqual(told.sort(), ['blog', 'shop']);
    clock.moveOn(10_000);
    assert.deepEqual(registrations.all('shop'), []);
    assert.equal(clock.armed, 0);
  });

  it('live on as long as they are renewed, and renewing alone tells nobody', () => {
    const { clock, registrations, told } = world();
    assert.equal(registrations.put('shop', at(3000, 10_000)), 'registered');
    for (let round = 0; round < 5; round += 1) {
      clock.moveOn(9_000);
      assert.equal(registrations.put('shop', at(3000, 10_000)), 'renewed');
    }
    assert.deepEqual(told, ['shop']);
    assert.deepEqual(registrations.timed('shop'), [{ ...at(3000, 10_000), leftMs: 10_000 }]);
  });

  it('tell of another weight or time to live', () => {
    const { registrations, told } = world();
    registrations.put('shop', at(3000));
    registrations.put('shop', at(3000, 30_000, 3));
    registrations.put('shop', at(3000, 5000, 3));
    assert.deepEqual(told, ['shop', 'shop', 'shop']);
    assert.deepEqual(registrations.all('shop'), [at(3000, 5000, 3)]);
  });

  it('do not care for a wall clock that jumps', () => {
    const { clock, registrations } = world();
    registrations.put('shop', at(3000, 10_000));
    clock.wall += 86_400_000;
    clock.moveOn(9_000);
    clock.wall -= 10 * 86_400_000;
    assert.deepEqual(registrations.timed('shop'), [{ ...at(3000, 10_000), leftMs: 1000 }]);
  });

  it('can be withdrawn, once', () => {
    const { clock, registrations, told } = world();
    registrations.put('shop', at(3000));
    assert.equal(registrations.remove('shop', '127.0.0.1:3000'), true);
    assert.equal(registrations.remove('shop', '127.0.0.1:3000'), false);
    assert.equal(registrations.remove('blog', '127.0.0.1:3000'), false);
    assert.deepEqual(told, ['shop', 'shop']);
    assert.equal(clock.armed, 0);
  });

  it('that an adopted vassal tells get their whole time again, and do not replace what is known', () => {
    const { clock, registrations, told } = world();
    registrations.put('shop', at(3000, 10_000, 5));
    clock.moveOn(4000);
    registrations.restore('shop', [at(3000, 10_000, 1), at(3001, 10_000)]);
    assert.deepEqual(registrations.timed('shop'), [
      { ...at(3000, 10_000, 5), leftMs: 6000 },
      { ...at(3001, 10_000), leftMs: 10_000 },
    ]);
    assert.deepEqual(told, ['shop']);
    clock.moveOn(10_000);
    assert.deepEqual(registrations.all('shop'), []);
  });

  it('are bounded in number; what is there can still be renewed', () => {
    const { registrations } = world();
    for (let port = 1; port <= mostRegistrations; port += 1) registrations.put('shop', at(port));
    assert.equal(registrations.put('shop', at(mostRegistrations + 1)), 'full');
    assert.equal(registrations.put('shop', at(1)), 'renewed');
    assert.equal(registrations.all('shop').length, mostRegistrations);
    registrations.restore('shop', [at(mostRegistrations + 1)]);
    assert.equal(registrations.all('shop').length, mostRegistrations);
  });

  it('of an app that is gone are gone, and nothing stays armed', () => {
    const { clock, registrations, told } = world();
    registrations.put('shop', at(3000));
    registrations.forget('shop');
    registrations.forget('shop');
    assert.deepEqual([registrations.all('shop'), clock.armed, told], [[], 0, ['shop', 'shop']]);
    registrations.put('shop', at(3000));
    registrations.stop();
    assert.equal(clock.armed, 0);
  });
});
