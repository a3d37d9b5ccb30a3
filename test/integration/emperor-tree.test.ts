// Nothing of an instance outlives it: not what left the process group, not what lost every parent that knew it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { gone, isAlive } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Every worker leaves two daemons behind: each in a session of its own, deaf to TERM and HUP, its parents gone. */
const files = {
  'who.yaml': 'app: ./who.cjs\nsettle: 0\nstop-timeout: 500ms\n',
  'who.cjs': `
    const { spawn } = require('node:child_process');
    const daemon = 'trap "" TERM HUP; echo $EMPEROR_GENERATION $$ >> daemons; while :; do sleep 600; done';
    const twice = 'setsid sh -c "$0" & (setsid sh -c "$0" &); exit 0';
    spawn('/bin/sh', ['-c', twice, daemon], { stdio: 'ignore' });
    module.exports = (request, response) => response.end(process.env.EMPEROR_GENERATION + ' ' + process.pid);`,
};

/** Waits for the two daemons of a generation; returns their pids. */
async function daemonsOf(emperor: EmperorProcess, generation: number): Promise<readonly number[]> {
  const read = (): number[] => {
    try {
      const lines = readFileSync(join(emperor.directory, 'daemons'), 'utf8').split('\n');
      return lines.filter((line) => line.startsWith(`${generation} `)).map((line) => Number(line.split(' ')[1]));
    } catch {
      return [];
    }
  };
  return waitFor(() => read().length === 2 && read(), { what: `two daemons of generation ${generation}` });
}

async function primaryOf(emperor: EmperorProcess): Promise<number> {
  const [instance] = (await emperor.appIs('who', 'running')).instances;
  assert.ok(instance !== undefined);
  return instance.pid;
}

describe('what an instance leaves behind', () => {
  it('ends with its primary, and nothing of the next generation or of another emperor does', async (t) => {
    const emperor = await startEmperor(t, { vassals: files });
    const other = await startEmperor(t, { vassals: files });
    await other.appIs('who', 'running');
    const foreign = await daemonsOf(other, 1);
    const primary = await primaryOf(emperor);
    const daemons = await daemonsOf(emperor, 1);
    process.kill(primary, 'SIGKILL');
    for (const pid of daemons) await gone(pid);
    await emperor.generationIs('who', 2);
    const next = await daemonsOf(emperor, 2);
    await emperor.command('reload', 'who', '--wait');
    await emperor.generationIs('who', 3);
    for (const pid of next) await gone(pid, 30_000);
    for (const pid of [...(await daemonsOf(emperor, 3)), ...foreign]) assert.ok(isAlive(pid), `process ${pid}`);
  });

  it('ends when the next emperor starts, if emperor and primary died together', async (t) => {
    const first = await startEmperor(t, { vassals: files, endsItself: true });
    const primary = await primaryOf(first);
    const daemons = await daemonsOf(first, 1);
    first.process.kill('SIGKILL');
    process.kill(primary, 'SIGKILL');
    await first.process.exit();
    await gone(primary);
    for (const pid of daemons) assert.ok(isAlive(pid), `process ${pid} outlives both`);
    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    for (const pid of daemons) assert.equal(isAlive(pid), false, `process ${pid} is gone before anything new starts`);
    await second.generationIs('who', 2);
    for (const pid of await daemonsOf(second, 2)) assert.ok(isAlive(pid));
  });

  it('ends with an adopted primary, and what an adopted instance runs is left alone', async (t) => {
    const first = await startEmperor(t, { vassals: files, endsItself: true });
    const primary = await primaryOf(first);
    const daemons = await daemonsOf(first, 1);
    first.process.kill('SIGKILL');
    await first.process.exit();
    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    assert.equal(await primaryOf(second), primary);
    for (const pid of daemons) assert.ok(isAlive(pid), `process ${pid} of the adopted instance`);
    process.kill(primary, 'SIGKILL');
    for (const pid of daemons) await gone(pid);
    await second.generationIs('who', 2);
  });

  it('ends with the emperor', async (t) => {
    const emperor = await startEmperor(t, { vassals: files });
    const daemons = await daemonsOf(emperor, 1);
    process.kill(await primaryOf(emperor), 'SIGKILL');
    assert.deepEqual(await emperor.stop(), { code: 0, signal: null });
    for (const pid of daemons) assert.equal(isAlive(pid), false, `process ${pid}`);
  });
});
