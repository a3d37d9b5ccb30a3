// Twenty deploys under load, one of them broken, done by us, by uWSGI's Emperor and by pm2. They take turns, so that a
// noisy moment of the machine does not always meet the same one; those whose turn it is not only wait.
import type { Scope } from '../../harness/scope.ts';
import { isMissing, type Missing } from '../missing.ts';
import type { Contender } from './contender.ts';
import { startOurs } from './emperor.ts';
import { Measurement } from './measurement.ts';
import { startPm2 } from './pm2.ts';
import { tableOf } from './table.ts';
import { startUwsgi, variants } from './uwsgi.ts';

const rounds = 4;
const plan = {
  deploysPerBlock: 5,
  /** The 13th of the 20. */
  brokenDeploy: 12,
  load: { perSecond: 300, keepAliveClients: 8, newConnectionEvery: 10 },
};

export async function deploys(scope: Scope): Promise<void> {
  const { perSecond, keepAliveClients, newConnectionEvery } = plan.load;
  console.log(
    `${rounds * plan.deploysPerBlock} deploys each, in ${rounds} turns, 2 processes each; ${perSecond} requests/s in an open loop from ${keepAliveClients} keep-alive clients, every ${newConnectionEvery}th request on a new connection`,
  );
  const starters: readonly (() => Promise<Contender | Missing>)[] = [
    () => startOurs(scope),
    ...variants.map((variant) => () => startUwsgi(scope, variant)),
    () => startPm2(scope),
  ];
  const started: (Measurement | Missing)[] = [];
  for (const start of starters) {
    const contender = await start();
    started.push(isMissing(contender) ? contender : new Measurement(contender, plan));
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const one of started) if (one instanceof Measurement) await one.runBlock();
    console.log(`turn ${round + 1} of ${rounds} is over`);
  }
  for (const line of tableOf(started)) console.log(line);
}
