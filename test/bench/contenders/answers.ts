// A program that was started is ready when it answers, whatever it answers with.
import { ask, type Endpoint } from '../../harness/http-client.ts';
import { isAlive, type TestProcess } from '../../harness/processes.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { siteHost } from './contender.ts';

/** Resolves when `endpoint` answers `path` with 200; rejects when its process ended before. */
export async function answers(name: string, process: TestProcess, endpoint: Endpoint, path = '/'): Promise<void> {
  await waitFor(
    async () => {
      if (!isAlive(process.pid)) throw new Error(`${name} ended: ${outputOf(process)}`);
      return (await ask(endpoint, { host: siteHost, path }).catch(() => undefined))?.status === 200;
    },
    { what: () => `${name} to answer 200; it said: ${outputOf(process)}` },
  );
}

function outputOf(process: TestProcess): string {
  return `${process.stdout}${process.stderr}`.trim().slice(-1000);
}
