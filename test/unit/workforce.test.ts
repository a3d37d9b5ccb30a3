// What the emperor takes from a primary's word on its workers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Workforce } from '../../emperor/workforce.ts';
import type { WorkerState } from '../../lib/vassal-messages.ts';

const ready: WorkerState = {
  ...{ id: 1, pid: 10, state: 'ready', address: 'unix:/worker-1.sock', weight: 1, handoff: null },
  ...{ restarts: 0, lastExit: null },
};

function routed(worker: WorkerState): unknown {
  const workforce = new Workforce({ instance: 'shop/1', processes: 1, isForeign: false });
  workforce.take([worker]);
  return workforce.facts().workers.map(({ key, protocol, capacity }) => ({ key, protocol, capacity }));
}

describe('the workers of an instance', () => {
  it('go into the table with the protocol and the capacity that their primary tells', () => {
    assert.deepEqual(routed({ ...ready, protocol: 'gateway', capacity: 4 }), [
      { key: 'shop/1/1', protocol: 'gateway', capacity: 4 },
    ]);
  });

  it('of an adopted primary of an older build speak HTTP, without a bound', () => {
    assert.deepEqual(routed(ready), [{ key: 'shop/1/1', protocol: 'http', capacity: null }]);
  });
});
