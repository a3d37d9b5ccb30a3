// From saving a vassal's file to the first answer of the new generation, as a client on a keep-alive connection
// sees it, and what each of our processes costs in memory.
import { Agent } from 'node:http';
import { fixtureApp } from '../../harness/paths.ts';
import { startEmperor, type EmperorProcess } from '../../harness/emperor-process.ts';
import type { Scope } from '../../harness/scope.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { pssBytes } from '../cpu-time.ts';
import { median, percentile } from '../statistics.ts';

const edits = 20;

export async function edit(scope: Scope): Promise<void> {
  const emperor = await startEmperor(scope, { vassals: { 'hello.yaml': vassal(0) } });
  await emperor.appIs('hello', 'running');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  scope.after(() => {
    agent.destroy();
  });
  const times: number[] = [];
  let failed = 0;
  for (let tag = 1; tag <= edits; tag += 1) {
    const saved = performance.now();
    emperor.write('hello.yaml', vassal(tag));
    for (;;) {
      const answer = await emperor.ask({ host: 'hello.localhost', agent });
      if (answer.status !== 200) failed += 1;
      if (answer.body.includes(`tag ${tag};`)) break;
    }
    times.push(performance.now() - saved);
    await emperor.generationIs('hello', tag + 1);
  }
  console.log(
    `edit to first answer of the new generation, ${edits} edits under requests: median ${median(times).toFixed(0)} ms, p90 ${percentile(times, 90).toFixed(0)} ms, max ${Math.max(...times).toFixed(0)} ms; failed requests ${failed}`,
  );
  await memory(emperor);
}

async function memory(emperor: EmperorProcess): Promise<void> {
  const status = await waitFor(
    async () => {
      const now = await emperor.status();
      return now.vassals[0]?.instances.length === 1 ? now : undefined;
    },
    // The last predecessor is kept for as long as the probation of its successor.
    { what: 'the old generations to end', timeoutMs: 30_000 },
  );
  const [instance] = status.vassals[0]?.instances ?? [];
  const [routerPid] = status.router.pids;
  const [worker] = instance?.workers ?? [];
  const rows: readonly [string, number | undefined][] = [
    ['emperor', status.emperor.pid],
    ['router', routerPid],
    ['primary', instance?.pid],
    ['worker', worker?.pid],
  ];
  console.log(
    `PSS: ${rows.map(([name, pid]) => `${name} ${pid === undefined ? '?' : (pssBytes(pid) / 1024 ** 2).toFixed(1)} MB`).join(', ')}`,
  );
}

function vassal(tag: number): string {
  return `app: ${fixtureApp('tagged')}/server.js\nenv:\n  TAG: "${tag}"\n`;
}
