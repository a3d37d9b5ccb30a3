// Whether the routers can move bytes as it was asked for. Found out before anything is started or changed, so that an
// impossible wish is an error of whoever wrote it and not of a router that never comes up.
import { EmperorError } from '../lib/errors.ts';
import { chooseTransport } from '../lib/transport-choice.ts';
import { reactorSupport } from '../native/reactor-support.ts';
import type { Settings } from './settings.ts';

/** `askedBy`: where the wish was written, in words. Undefined where it can be had. */
export function transportProblem({ transport }: Settings, askedBy: string): EmperorError | undefined {
  const choice = chooseTransport(transport, reactorSupport.missing);
  if (typeof choice !== 'string') return undefined;
  return new EmperorError('EMP_TRANSPORT_UNAVAILABLE', `${askedBy} asks for the transport ${transport}: ${choice}`, {
    hint: 'say `auto`: then the portable transport runs where the reactor cannot',
  });
}
