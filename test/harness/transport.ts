// Which transport the routers of a test run on. One switch for all of them: EMPEROR_TEST_TRANSPORT, which test/run sets
// for each pass. A test that is about one transport names it itself and says why.
import { isTransportWish, type TransportWish } from '../../lib/transport-choice.ts';
import { reactorSupport } from '../../native/reactor-support.ts';

export const transportVariable = 'EMPEROR_TEST_TRANSPORT';

/** For `{ skip }`: why what needs the reactor cannot run here. Under CI=true it must run. */
export const withoutReactor: string | false = process.env['CI'] === 'true' ? false : (reactorSupport.missing ?? false);

/** What the routers of this process's tests are told; where nobody chose, what users get without a choice. */
export const transportUnderTest: TransportWish = readWish();

function readWish(): TransportWish {
  const text = process.env[transportVariable] ?? 'auto';
  if (!isTransportWish(text)) throw new Error(`${transportVariable} is "${text}": no transport`);
  return text;
}
