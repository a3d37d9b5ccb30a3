import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oneAtATime } from '../../emperor/cli/one-at-a-time.ts';

/** An action that reads `now` when it begins and takes effect when it is told to. */
class SlowReader {
  now = 0;
  readonly effects: number[] = [];
  readonly #ends: (() => void)[] = [];

  readonly act = async (): Promise<void> => {
    const read = this.now;
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    this.effects.push(read);
  };

  /** Ends the oldest reading that is under way. */
  async end(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise(setImmediate);
  }

  get underWay(): number {
    return this.#ends.length;
  }
}

describe('one at a time', () => {
  it('what is asked for while it runs happens once more, after it', async () => {
    const reader = new SlowReader();
    const ask = oneAtATime(reader.act);
    for (reader.now = 1; reader.now < 5; reader.now += 1) ask();
    assert.equal(reader.underWay, 1);
    await reader.end();
    assert.equal(reader.underWay, 1);
    await reader.end();
    assert.equal(reader.underWay, 0);
    assert.deepEqual(reader.effects, [1, 5]);
  });

  it('what is asked for when it is through happens', async () => {
    const reader = new SlowReader();
    const ask = oneAtATime(reader.act);
    ask();
    await reader.end();
    reader.now = 7;
    ask();
    await reader.end();
    assert.deepEqual(reader.effects, [0, 7]);
  });
});
