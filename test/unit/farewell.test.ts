import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { farewellAmongOthers, farewellOfAll } from '../../emperor/farewell.ts';

describe('how a router is told to end', () => {
  it('whoever idles within the idle-timeout is not cut by the grace of the others', () => {
    const { graceMs, idleMs } = farewellAmongOthers(1000, 90_000);
    assert.equal(idleMs, 90_000);
    assert.equal(graceMs, 100_000);
  });

  it('what runs gets as long as its app wants, and half a minute in any case', () => {
    assert.equal(farewellAmongOthers(120_000, 1000).graceMs, 120_000);
    assert.equal(farewellAmongOthers(0, 0).graceMs, 30_000);
  });

  it('at the end of all, idle connections have a moment for a last request', () => {
    assert.deepEqual(farewellOfAll(5000), { graceMs: 5000, idleMs: 500 });
  });
});
