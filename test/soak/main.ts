// `npm run soak`: half an hour of churn, resets, slow clients and thousands of idle connections on a real emperor; says in one
// table what it held meanwhile and afterwards. Exits with 1 where a request failed, or something was left behind.
import { parseArgs } from 'node:util';
import { messageOf } from '../../lib/errors.ts';
import { isTransportWish } from '../../lib/transport-choice.ts';
import { connectionsWithin, descriptorLimit } from '../bench/descriptors.ts';
import { machineText } from '../bench/machine.ts';
import { withScope } from '../bench/scope.ts';
import { summaryOf, tableOf } from './report.ts';
import { soak, spareConnections, type Settings } from './soak.ts';
import { judge, tolerableBytes } from './verdict.ts';

const limit = descriptorLimit();
const settings = read();
console.log(machineText());
console.log(
  `${settings.minutes} minutes, ${settings.idleConnections} idle connections (${limit} open files allow a router about half as many clients)`,
);
await withScope(async (scope) => {
  const outcome = await soak(scope, settings, console.log);
  for (const line of ['', ...tableOf(outcome.start, outcome.rounds), '', ...summaryOf(outcome.rounds)])
    console.log(line);
  console.log(
    `of one core: ${((outcome.cpuSeconds / outcome.tookSeconds) * 100).toFixed(0)} % for all programs of ours`,
  );
  const problems = judge(outcome);
  for (const problem of problems) console.log(`WRONG: ${problem}`);
  if (problems.length === 0) {
    console.log(
      `every request was answered, descriptors are as at the start, and nothing grew by ${tolerableBytes / 2 ** 20} MB`,
    );
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
});

function read(): Settings {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '30' },
        idle: { type: 'string', default: '10000' },
        transport: { type: 'string', default: 'reactor' },
      },
    });
    const [minutes, idle] = [Number(values.minutes), Number(values.idle)];
    if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
    if (!(Number.isInteger(idle) && idle >= 0)) throw new Error('--idle must be a whole number');
    if (!isTransportWish(values.transport)) throw new Error(`--transport: there is no ${values.transport}`);
    const possible = connectionsWithin(limit, idle + spareConnections) - spareConnections;
    return {
      minutes,
      idleConnections: Math.max(0, Math.min(idle, possible)),
      transport: values.transport,
    };
  } catch (error) {
    console.error(messageOf(error));
    process.exit(2);
  }
}
