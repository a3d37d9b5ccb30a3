import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { causeOfFall, type FallFacts } from '../../emperor/fall.ts';
import { workerExit } from '../../lib/exit-codes.ts';

const cause = (rest: Partial<FallFacts>): ReturnType<typeof causeOfFall> =>
  causeOfFall({ event: 'exited', exit: undefined, readyTimeoutMs: 30_000, ready: 1, processes: 3, ...rest });

describe('why an instance fell', () => {
  it('a start that took too long names the limit and how far it came', () => {
    assert.deepEqual(cause({ event: 'ready-timeout' }), {
      kind: 'not-ready',
      message: 'not ready after 30 s (ready-timeout): 1 of 3 workers are',
    });
  });

  it('an app that cannot be loaded is told from one that crashed', () => {
    const exit = { code: workerExit.cannotLoad, message: `ended with exit code ${workerExit.cannotLoad}` };
    assert.equal(cause({ exit }).kind, 'cannot-load');
    assert.deepEqual(cause({ exit: { code: null, message: 'was killed by SIGKILL' } }), {
      kind: 'crashed',
      message: 'the primary was killed by SIGKILL',
    });
  });

  it('a primary that gives up while it runs was told to by somebody else', () => {
    assert.equal(cause({ event: 'gave-up' }).message, 'the primary was told to stop by somebody else');
  });
});
