// `npm run bench [-- NAME…]`: measurements of the real programs next to their peers. Not a test: a bar that is not met
// is told and fails nothing; only what could not be measured makes the exit code 1.
import { messageOf } from '../../lib/errors.ts';
import { parseOrder, type Order } from './command-line.ts';
import { deploys } from './deploys/deploys.ts';
import { machineText } from './machine.ts';
import { withScope } from './scope.ts';
import { accessLog } from './scenarios/access-log.ts';
import { browser } from './scenarios/browser.ts';
import { connections } from './scenarios/connections.ts';
import { edit } from './scenarios/edit.ts';
import { hosts } from './scenarios/hosts.ts';
import { idle } from './scenarios/idle.ts';
import { keepAlive } from './scenarios/keep-alive.ts';
import { latency } from './scenarios/latency.ts';
import { nodeApp } from './scenarios/node-app.ts';
import { post } from './scenarios/post.ts';
import { transfer } from './scenarios/transfer.ts';
import { webSocket } from './scenarios/web-socket.ts';
import { overviewOf, runSpeed, writePages, type Measured } from './speed/run-speed.ts';
import type { Scenario } from './speed/scenario.ts';
import { peerNames } from './speed/start-all.ts';

/** Each has its bar, and its part of docs/performance.md. */
const speed: Readonly<Record<string, Scenario>> = {
  'keep-alive': keepAlive,
  browser,
  post,
  transfer,
  connections,
  'web-socket': webSocket,
  'access-log': accessLog,
  'node-app': nodeApp,
  idle,
  hosts,
  latency,
};
const others = {
  edit: { summary: 'from saving a file to the first answer of the new generation', run: edit },
  deploys: { summary: "twenty deploys under load, next to uWSGI's Emperor and pm2", run: deploys },
};
const all = { ...speed, ...others };

// Reading a bundle of certificates at each start of Node would be measured with every system that is written for Node.
delete process.env['NODE_EXTRA_CA_CERTS'];

const order = read();
if (order.isList) for (const [name, { summary }] of Object.entries(all)) console.log(`${name.padEnd(12)} ${summary}`);
else await run(order);

function read(): Order {
  try {
    return parseOrder(process.argv.slice(2), {
      all: Object.keys(all),
      groups: { speed: Object.keys(speed) },
      peers: peerNames,
    });
  } catch (error) {
    console.error(messageOf(error));
    process.exit(2);
  }
}

async function run({ names, isWritten, settings }: Order): Promise<void> {
  console.log(machineText());
  const measured: Measured[] = [];
  for (const name of names) {
    console.log(`\n== ${name}`);
    try {
      const scenario = speed[name];
      if (scenario === undefined) {
        await withScope(others[name as keyof typeof others].run);
        continue;
      }
      const one = await runSpeed(name, scenario, settings);
      measured.push(one);
      if (isWritten && one.missing === undefined) writePages(one, Object.keys(speed));
    } catch (error) {
      console.error(`${name} could not be measured: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
  if (measured.some(({ results }) => results.length > 0)) {
    console.log(`\n== overview\n\n${overviewOf(measured).join('\n')}`);
  }
}
