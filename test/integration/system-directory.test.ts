// The whole system as its user: files in a directory, the command line, and requests to the public port.
import assert from 'node:assert/strict';
import { renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand, startEmperor, type EmperorProcess, type VassalJson } from '../harness/emperor-process.ts';
import { ask, RawConnection } from '../harness/http-client.ts';
import { gone, isAlive } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';

/** An app that answers with its greeting, its generation and its pid; `/slow` answers when `/go` was asked. */
const server = `
const waiting = [];
module.exports = (request, response) => {
  if (request.url === '/slow') { response.write('begun '); waiting.push(response); return; }
  if (request.url === '/go') for (const slow of waiting.splice(0)) slow.end('and finished');
  response.end(\`\${process.env.GREETING} from generation \${process.env.EMPEROR_GENERATION}, pid \${process.pid}\`);
};
`;

const vassal = (greeting: string): string => `app: ./server.cjs\nenv:\n  GREETING: ${greeting}\n`;

async function startWithShop(...args: Parameters<typeof startEmperor>): Promise<EmperorProcess> {
  const [t, options = {}] = args;
  const emperor = await startEmperor(t, {
    ...options,
    vassals: { 'server.cjs': server, 'shop.yaml': vassal('one'), ...options.vassals },
  });
  await emperor.appIs('shop', 'running');
  return emperor;
}

async function shop(emperor: EmperorProcess, agent?: Agent): Promise<string> {
  const answer = await emperor.ask({ host: 'shop.localhost', ...(agent === undefined ? {} : { agent }) });
  assert.equal(answer.status, 200, answer.body);
  return answer.body;
}

function pidsOf({ instances }: VassalJson): number[] {
  return instances.flatMap(({ pid, workers }) => [pid, ...workers.map((worker) => worker.pid)]);
}

/**
 * Waits for the last of many apps by what the emperor tells. Asking for its status, which looks at every process, again
 * and again would take the time that they need to start.
 */
async function allRunning(emperor: EmperorProcess, names: readonly string[]): Promise<readonly VassalJson[]> {
  const from = emperor.events.length;
  const { vassals } = await emperor.status();
  const before = new Set(vassals.filter(({ state }) => state === 'running').map(({ name }) => name));
  const isLive = (name: string): boolean =>
    before.has(name) ||
    emperor.events.slice(from).some((event) => event['name'] === name && event['result'] === 'live');
  await waitFor(() => names.every(isLive), {
    what: () => `${names.length} live apps; not yet ${names.filter((name) => !isLive(name)).length}`,
    timeoutMs: 400_000,
  });
  const after = (await emperor.status()).vassals;
  assert.deepEqual(
    after.map(({ name, state }) => `${name} ${state}`).sort(),
    names.map((name) => `${name} running`).sort(),
  );
  return after;
}

describe('a directory of config files', () => {
  it('a file that is dropped into it is an app that is served', async (t) => {
    const emperor = await startEmperor(t, { vassals: { 'server.cjs': server } });
    assert.equal((await emperor.ask({ host: 'shop.localhost' })).status, 404);
    emperor.write('shop.yaml', vassal('hello'));
    await emperor.appIs('shop', 'running');
    assert.match(await shop(emperor), /^hello from generation 1,/);
  });

  it('an edit is served by a new generation and loses no request, on new and on kept connections', async (t) => {
    const emperor = await startWithShop(t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => {
      agent.destroy();
    });
    const idle = new RawConnection(emperor.port);
    t.after(() => {
      idle.destroy();
    });
    idle.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n');
    await idle.until('the first answer', (received) => received.includes('one from generation 1'));
    emperor.write('shop.yaml', vassal('two'));
    let requests = 0;
    await waitFor(
      async () => {
        requests += 2;
        await shop(emperor);
        return (await shop(emperor, agent)).startsWith('two from generation 2');
      },
      { what: 'the new generation' },
    );
    await emperor.generationIs('shop', 2);
    idle.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n');
    await idle.until('the second answer', (received) => received.includes('two from generation 2'));
    assert.ok(requests > 0);
  });

  it('rubbish written into a file leaves its app serving, and status names file, line, column and what was expected', async (t) => {
    const emperor = await startWithShop(t);
    emperor.write('shop.yaml', 'app: ./server.cjs\nprocesses: many\n');
    const degraded = await emperor.appIs('shop', 'degraded');
    assert.equal(degraded.generation, 1);
    assert.match(await shop(emperor), /^one from generation 1,/);
    const [problem] = (await emperor.status()).emperor.problems;
    assert.equal(problem?.file, join(emperor.directory, 'shop.yaml'));
    assert.deepEqual([problem.line, problem.column], [2, 12]);
    assert.match(problem.message, /expected a whole number from 1 to 512, got "many"/);
    const table = await emperor.command('status');
    assert.equal(table.code, 0);
    assert.match(table.stdout, /shop\.yaml:2:12/);
    emperor.write('shop.yaml', vassal('mended'));
    await emperor.generationIs('shop', 2);
    assert.match(await shop(emperor), /^mended from generation 2,/);
  });

  it('a deleted file drains its app: what runs finishes, then it is gone', async (t) => {
    const emperor = await startWithShop(t);
    const slow = new RawConnection(emperor.port);
    t.after(() => {
      slow.destroy();
    });
    slow.write('GET /slow HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n');
    await slow.until('the beginning of the answer', (received) => received.includes('begun'));
    const before = await emperor.appIs('shop', 'running');
    const [instance] = before.instances;
    assert.ok(instance);
    emperor.remove('shop.yaml');
    await waitFor(async () => (await emperor.ask({ host: 'shop.localhost' })).status === 404, {
      what: 'the route to be gone',
    });
    assert.equal(slow.isEnded, false);
    // Its route is gone, so its own socket is the way to let the slow request finish.
    await ask(join(emperor.runDir, 'vassals/shop', String(instance.generation), 'worker-1.sock'), { path: '/go' });
    await slow.until('the end of the answer', (received) => received.includes('and finished'));
    for (const pid of pidsOf(before)) await gone(pid);
    await waitFor(async () => (await emperor.status()).vassals.length === 0, { what: 'the app to be forgotten' });
  });

  it('emperor check tells the same problems without running anything, and exits with 3', async (t) => {
    const emperor = await startWithShop(t, { vassals: { 'bad.yaml': 'app: ./server.cjs\nproceses: 2\n' } });
    await waitFor(async () => (await emperor.status()).emperor.problems.length === 1, { what: 'the problem' });
    const [problem] = (await emperor.status()).emperor.problems;
    const check = await runCommand(['check', emperor.directory]);
    assert.equal(check.code, 3, check.stdout + check.stderr);
    assert.ok(problem?.message !== undefined && (check.stdout + check.stderr).includes(problem.message), check.stdout);
    assert.match(check.stdout + check.stderr, /bad\.yaml:2:1.*\n[\s\S]*did you mean processes\?/);
    emperor.remove('bad.yaml');
    assert.equal((await runCommand(['check', emperor.directory])).code, 0);
  });

  it('a touch is a deploy of the same spec; a comment is none', async (t) => {
    const emperor = await startWithShop(t);
    const file = join(emperor.directory, 'shop.yaml');
    emperor.write('shop.yaml', `# a comment\n${vassal('one')}`);
    utimesSync(file, new Date(), new Date(Date.now() + 2000));
    // The comment and this other app are one change of the directory: once the app runs, the comment was seen too.
    emperor.write('other.yaml', vassal('other'));
    await emperor.appIs('other', 'running');
    assert.equal((await emperor.appIs('shop', 'running')).generation, 1);
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    await emperor.generationIs('shop', 2);
  });

  it('atomic renames and symlink swaps are edits like any other', async (t) => {
    const emperor = await startWithShop(t);
    writeFileSync(join(emperor.directory, '.shop.yaml.new'), vassal('renamed'));
    renameSync(join(emperor.directory, '.shop.yaml.new'), join(emperor.directory, 'shop.yaml'));
    await emperor.generationIs('shop', 2);
    assert.match(await shop(emperor), /^renamed/);
    const target = join(emperor.runDir, '..', 'release-2.yaml');
    writeFileSync(target, `chdir: ${emperor.directory}\n${vassal('linked')}`);
    symlinkSync(target, join(emperor.directory, '.link'));
    renameSync(join(emperor.directory, '.link'), join(emperor.directory, 'shop.yaml'));
    await emperor.generationIs('shop', 3);
    assert.match(await shop(emperor), /^linked/);
  });

  it('a file that is written slowly is not judged half-way', async (t) => {
    const emperor = await startWithShop(t);
    const from = emperor.events.length;
    const text = vassal('slowly');
    for (let end = 1; end <= text.length; end += 4) {
      emperor.write('shop.yaml', text.slice(0, end));
      await emperor.status();
    }
    emperor.write('shop.yaml', text);
    await emperor.generationIs('shop', 2);
    assert.match(await shop(emperor), /^slowly from generation 2,/);
    assert.equal(
      emperor.events.slice(from).some((event) => event['result'] === 'failed'),
      false,
    );
  });

  it(
    'two hundred files are two hundred apps, and the edit of one touches only that one',
    { timeout: 480_000 },
    async (t) => {
      const names = Array.from({ length: 200 }, (_, index) => `app${index}`);
      const emperor = await startEmperor(t, {
        vassals: { 'server.cjs': server, ...Object.fromEntries(names.map((name) => [`${name}.yaml`, vassal(name)])) },
      });
      const running = await allRunning(emperor, names);
      for (const name of names) {
        const answer = await emperor.ask({ host: `${name}.localhost` });
        assert.match(answer.body, new RegExp(`^${name} from generation 1,`));
      }
      emperor.write('app77.yaml', vassal('edited'));
      await emperor.generationIs('app77', 2);
      const after = (await emperor.status()).vassals;
      const untouched = (vassals: readonly VassalJson[]): unknown =>
        vassals.filter(({ name }) => name !== 'app77').map((one) => [one.name, one.generation, one.state, pidsOf(one)]);
      assert.deepEqual(untouched(after), untouched(running));
      assert.ok(pidsOf(running[0] ?? assert.fail()).every(isAlive));
    },
  );
});
