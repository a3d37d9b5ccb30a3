// Connections that come and are ended: in each phase, in each way, as new ones and after so many answers that they were
// handed over to a worker.
import type { Pace } from '../../chaos/pace.ts';
import { Conversation, type Ending, type Where } from './conversation.ts';
import { phases, reachMs } from './phases.ts';
import type { Tally } from './tally.ts';

const endings: readonly Ending[] = ['reset', 'close', 'end'];
/** Requests on a connection beforehand: none, or more than after which it is handed over. */
const priors: readonly number[] = [0, 4];

interface Case {
  readonly phase: string;
  readonly ending: Ending;
  readonly prior: number;
}

const cases: readonly Case[] = priors.flatMap((prior) =>
  endings.flatMap((ending) => Object.keys(phases).map((phase) => ({ phase, ending, prior }))),
);

/** Goes through all cases again and again, until the pace is over. `nth`: where it begins. */
export async function churn(where: Where, pace: Pace, tally: Tally, nth: number): Promise<void> {
  for (let at = nth; !pace.isOver; at++) {
    const one = cases[at % cases.length];
    if (one !== undefined) await end(one, where, pace, tally);
    await pace.pause(20);
  }
}

async function end({ phase, ending, prior }: Case, where: Where, pace: Pace, tally: Tally): Promise<void> {
  const name = `${ending} ${phase} after ${prior} answers`;
  const reached = async (): Promise<void> => pace.pause(reachMs);
  let conversation: Conversation | undefined;
  await tally.count(`connect in order to ${name}`, async () => {
    conversation = await Conversation.open(where);
    for (let count = 0; count < prior; count++) {
      const { status, body } = await conversation.ask('/small');
      if (status !== 200 || body.toString() !== 'small') throw new Error(`answered ${status}`);
    }
    await phases[phase]?.(conversation, reached);
  });
  await tally.count(name, async () => {
    await conversation?.finish(ending);
    tally.countEnded(phase);
  });
}
