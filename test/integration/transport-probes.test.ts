// Connections whose peer vanished without a word are found by the kernel's keep-alive probes. Those that came together
// must not be probed together: what does not fit into a queue of the network is lost, probe after probe, and with it
// the connection of a client that is there.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { accepting, eachTransport } from '../harness/each-transport.ts';
import { probeTimers } from '../harness/probe-timers.ts';
import { waitFor } from '../harness/wait-for.ts';

const connections = 480;
/** The kernel lets timers of a minute and more go off together where they are due within some two seconds. */
const togetherSeconds = 2;

for (const { name, skip, create } of eachTransport) {
  describe(`idle connections of the ${name} transport`, { skip }, () => {
    async function timers(t: TestContext, dialsAtOnce: number): Promise<number[]> {
      const { acceptor, streams, dial } = await accepting(t, create(), '127.0.0.1:0');
      const port = Number(/\d+$/.exec(acceptor.address)?.[0]);
      if (dialsAtOnce === connections) acceptor.pause();
      for (let dialled = 0; dialled < connections; dialled += dialsAtOnce) {
        const clients = Array.from({ length: dialsAtOnce }, dial);
        for (const client of clients) client.write('!');
        await Promise.all(clients.map(async (client) => new Promise((resolve) => client.once('connect', resolve))));
        acceptor.resume();
        await waitFor(() => streams.length === dialled + dialsAtOnce, { what: 'the connections' });
      }
      return waitFor(
        () => {
          const all = probeTimers(port);
          return all.length === connections && all;
        },
        { what: () => `all to have a timer; ${probeTimers(port).length} have` },
      );
    }

    /** The most that are due within as long as the kernel takes for one moment. */
    function mostTogether(all: readonly number[]): number {
      return Math.max(...all.map((from) => all.filter((at) => at >= from && at < from + togetherSeconds).length));
    }

    for (const [what, dialsAtOnce] of [
      ['one after the other', 20],
      ['all at once, and waited in the queue', connections],
    ] as const) {
      it(`that came ${what} are probed at moments of their own, after a minute or two`, async (t) => {
        const all = await timers(t, dialsAtOnce);
        assert.ok(Math.min(...all) > 30 && Math.max(...all) < 121, `${Math.min(...all)} … ${Math.max(...all)} s`);
        // A second's worth of sixty, twice and a half.
        assert.ok(mostTogether(all) <= connections / 4, `${mostTogether(all)} of ${connections} are probed together`);
      });
    }
  });
}
