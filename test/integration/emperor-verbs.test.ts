// The verbs that change what an app does while it runs, through the real command line: what they print, what they exit
// with, and that what they promise is true when they return.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorProcess, type VassalJson } from '../harness/emperor-process.ts';
import type { Answer } from '../harness/http-client.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Answers at once, or at `/slow` once `/release` was asked for (of the same worker). */
const gate = `
let waiting = [];
module.exports = (request, response) => {
  const answer = () => response.end(process.env.WORD + ' ' + process.env.EMPEROR_GENERATION);
  if (request.url === '/slow') { waiting.push(answer); console.log('slow begun'); return; }
  answer();
};
process.on('SIGUSR2', () => { for (const answer of waiting) answer(); waiting = []; });`;

const spec = (word: string, more = ''): string => `app: ./gate.cjs\nenv: {WORD: ${word}}\nsettle: 0\n${more}`;

async function startGate(t: TestContext, more = ''): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals: { 'gate.cjs': gate, 'gate.yaml': spec('one', more) } });
  await emperor.appIs('gate', 'running');
  return emperor;
}

const body = async (answer: Promise<Answer>): Promise<string> => (await answer).body;
const ask = (emperor: EmperorProcess, path = '/'): Promise<Answer> => emperor.ask({ host: 'gate.localhost', path });

type Detail = VassalJson & {
  readonly paused: boolean;
  readonly queued: number;
  readonly processes: number | null;
  readonly goodGenerations: number[];
};

async function detail(emperor: EmperorProcess): Promise<Detail> {
  const app = (await emperor.status()).vassals.find(({ name }) => name === 'gate');
  assert.ok(app !== undefined);
  return app as Detail;
}

async function printed(emperor: EmperorProcess, text: string): Promise<void> {
  await waitFor(async () => (await emperor.command('logs', 'gate')).stdout.includes(text), { what: `"${text}"` });
}

/** A request, and whether it was answered already. */
function askHeld(emperor: EmperorProcess): { held: ReturnType<typeof ask>; isAnswered: () => boolean } {
  let answers = 0;
  const held = ask(emperor).finally(() => {
    answers += 1;
  });
  return { held, isAnswered: () => answers > 0 };
}

function releaseSlow(app: Detail): void {
  for (const { pid } of app.instances.flatMap(({ workers }) => workers)) process.kill(pid, 'SIGUSR2');
}

describe('emperor pause and resume', () => {
  it('--wait returns only when no request runs; what comes meanwhile waits, and is answered after resume', async (t) => {
    const emperor = await startGate(t);
    const slow = ask(emperor, '/slow');
    await printed(emperor, 'slow begun');
    let isPaused = false;
    const pause = emperor.command('pause', 'gate', '--wait').then((result) => {
      isPaused = true;
      return result;
    });
    await emperor.appIs('gate', 'paused');
    let { held, isAnswered } = askHeld(emperor);
    const app = await waitFor(
      async () => {
        const now = await detail(emperor);
        // The table that holds may still be on its way to the router: then the request was answered.
        if (isAnswered()) ({ held, isAnswered } = askHeld(emperor));
        return now.queued === 1 && now;
      },
      { what: 'the request to be held' },
    );
    assert.equal(isPaused, false, 'a request still runs');
    releaseSlow(app);
    assert.equal(await body(slow), 'one 1');
    const { code, stdout, stderr } = await pause;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^gate: paused, .*; its requests wait, and none of them runs\n$/);
    assert.equal((await detail(emperor)).paused, true);
    const status = await emperor.command('status');
    assert.match(status.stdout, /gate +paused/);
    assert.match(status.stdout, /paused +gate: 1 request waits; `emperor resume gate` lets them go/);
    assert.deepEqual((await emperor.command('resume', 'gate', '--wait')).code, 0);
    const answer = await held;
    assert.deepEqual([answer.status, answer.body], [200, 'one 1']);
    assert.equal((await detail(emperor)).paused, false);
  });

  it('outlives the death of the emperor, and so does what is held', async (t) => {
    const emperor = await startGate(t);
    assert.equal((await emperor.command('pause', 'gate')).code, 0);
    await emperor.appIs('gate', 'paused');
    const held = ask(emperor);
    emperor.process.kill('SIGKILL');
    await emperor.process.exit();
    const { directory, runDir } = emperor;
    const second = await startEmperor(t, { in: { directory, runDir } });
    await second.appIs('gate', 'paused');
    assert.equal((await second.command('resume', 'gate', '--wait')).code, 0);
    assert.equal(await body(held), 'one 1');
  });

  it('a deploy while it is paused is what answers the held requests', async (t) => {
    const emperor = await startGate(t);
    assert.equal((await emperor.command('pause', 'gate', '--wait')).code, 0);
    const held = ask(emperor);
    const { code, stdout } = await emperor.command('reload', 'gate', '--wait');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /generation 2 is live.*it is paused: `emperor resume gate`/);
    assert.match((await emperor.command('start', 'gate')).stdout, /it runs and is paused: `emperor resume gate`/);
    assert.equal((await emperor.command('resume', 'gate', '--wait')).code, 0);
    assert.equal(await body(held), 'one 2');
  });

  it('resume of what is not paused says so and is no failure; stop ends a pause', async (t) => {
    const emperor = await startGate(t);
    const resume = await emperor.command('resume', 'gate', '--wait');
    assert.deepEqual([resume.code, resume.stdout], [0, 'gate: resumed: it was not paused\n']);
    await emperor.command('pause', 'gate', '--wait');
    const held = ask(emperor);
    assert.equal((await emperor.command('stop', 'gate', '--wait')).code, 0);
    assert.equal((await held).status, 503);
    for (const verb of [['pause'], ['resume'], ['rollback'], ['scale', '2']]) {
      const [name = '', ...rest] = verb;
      const { code, stderr } = await emperor.command(name, 'gate', ...rest, '--wait');
      assert.equal(code, 1);
      assert.match(stderr, /gate is stopped \(EMP_APP_STOPPED\)\n +`emperor start gate` starts it/);
    }
    assert.equal((await emperor.command('start', 'gate', '--wait')).code, 0);
    assert.equal((await detail(emperor)).state, 'running');
  });
});

describe('emperor scale', () => {
  it('--wait returns when so many workers are ready, or the surplus is gone', async (t) => {
    const emperor = await startGate(t);
    for (const count of [3, 1, 2]) {
      const { code, stdout, stderr } = await emperor.command('scale', 'gate', String(count), '--wait');
      assert.deepEqual([code, stderr], [0, ''], stdout);
      const app = await detail(emperor);
      const [instance, ...others] = app.instances;
      assert.deepEqual(others, []);
      assert.deepEqual(
        instance?.workers.map(({ id, state }) => [id, state]),
        Array.from({ length: count }, (_, index) => [index + 1, 'ready']),
      );
      assert.deepEqual([app.processes, app.generation], [count, 1]);
    }
    assert.match((await emperor.command('status', 'gate')).stdout, /^wanted +2 workers$/m);
  });

  it('is kept by a reload and by the next emperor, and ends with an edit', async (t) => {
    const emperor = await startGate(t);
    assert.equal((await emperor.command('scale', 'gate', '3', '--wait')).code, 0);
    assert.equal((await emperor.command('reload', 'gate', '--wait')).code, 0);
    assert.equal((await detail(emperor)).processes, 3);
    emperor.process.kill('SIGKILL');
    await emperor.process.exit();
    const { directory, runDir } = emperor;
    const second = await startEmperor(t, { in: { directory, runDir } });
    const adopted = (await second.appIs('gate', 'running')) as Detail;
    assert.deepEqual([adopted.processes, adopted.generation, adopted.instances[0]?.workers.length], [3, 2, 3]);
    second.write('gate.yaml', spec('two'));
    const edited = (await second.generationIs('gate', 3)) as Detail;
    assert.equal(edited.processes, 1);
  });

  it('to nothing, to too many, or to no number is refused with what to do', async (t) => {
    const emperor = await startGate(t);
    const zero = await emperor.command('scale', 'gate', '0');
    assert.equal(zero.code, 1);
    assert.match(zero.stderr, /from 1 to 512, got 0 \(EMP_VALUE_INVALID\)\n +`emperor stop gate` ends all its workers/);
    const many = await emperor.command('scale', 'gate', '513');
    assert.equal(many.code, 1);
    assert.match(many.stderr, /from 1 to 512, got 513/);
    assert.equal((await emperor.command('scale', 'gate', 'many')).code, 2);
    assert.equal((await detail(emperor)).processes, 1);
  });
});

describe('emperor rollback', () => {
  it('--wait goes back to the good generation before the live one, until the next edit', async (t) => {
    const emperor = await startGate(t);
    emperor.write('gate.yaml', spec('two'));
    await emperor.generationIs('gate', 2);
    assert.equal(await body(ask(emperor)), 'two 2');
    await waitFor(async () => (await detail(emperor)).goodGenerations.includes(2), {
      what: 'the end of its probation',
    });
    const { code, stdout, stderr } = await emperor.command('rollback', 'gate', '--wait');
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(stdout, /^gate: generation \d is live, .*rolled back from generation 2/);
    assert.match(await body(ask(emperor)), /^one /);
    const app = await emperor.appIs('gate', 'degraded');
    assert.match((await emperor.command('status', 'gate')).stdout, /^reason +rolled back from generation 2/m);
    emperor.write('gate.yaml', spec('three'));
    await emperor.generationIs('gate', (app.generation ?? 0) + 1);
    assert.match(await body(ask(emperor)), /^three /);
  });

  it('outlives the death of the emperor', async (t) => {
    const emperor = await startGate(t);
    emperor.write('gate.yaml', spec('two'));
    await emperor.generationIs('gate', 2);
    await waitFor(async () => (await detail(emperor)).goodGenerations.includes(2), {
      what: 'the end of its probation',
    });
    assert.equal((await emperor.command('rollback', 'gate', '--wait')).code, 0);
    const before = await emperor.appIs('gate', 'degraded');
    emperor.process.kill('SIGKILL');
    await emperor.process.exit();
    const { directory, runDir } = emperor;
    const second = await startEmperor(t, { in: { directory, runDir } });
    const after = await second.appIs('gate', 'degraded');
    assert.equal(after.generation, before.generation);
    assert.match(await body(ask(second)), /^one /);
  });

  it('with nothing to go back to exits 1 and says so', async (t) => {
    const emperor = await startGate(t);
    const { code, stderr } = await emperor.command('rollback', 'gate', '--wait');
    assert.equal(code, 1);
    assert.match(stderr, /gate has no earlier generation that was good \(EMP_NO_EARLIER_GENERATION\)/);
  });

  it('to a generation that does not start any more exits 1 and keeps the live one', async (t) => {
    const emperor = await startGate(t);
    emperor.write('other.cjs', 'module.exports = (request, response) => response.end("other");');
    emperor.write('gate.yaml', 'app: ./other.cjs\nsettle: 0\n');
    await emperor.generationIs('gate', 2);
    await waitFor(async () => (await detail(emperor)).instances.length === 1, { what: 'the first to be gone' });
    emperor.remove('gate.cjs');
    const { code, stderr } = await emperor.command('rollback', 'gate', '--wait');
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^gate: generation 3 failed: /);
    assert.equal(await body(ask(emperor)), 'other');
  });
});

describe('emperor status of one app', () => {
  it('shows why the last deploy failed, with its exit code and what it wrote last', async (t) => {
    const emperor = await startGate(t);
    emperor.write('gate.cjs', 'console.log("no database at db:5432"); process.exit(7);');
    assert.equal((await emperor.command('reload', 'gate', '--wait')).code, 1);
    const { stdout } = await emperor.command('status', 'gate');
    assert.match(
      stdout,
      /\nlast deploy: generation 2 failed after .*\n .*exit code 7.*\n[^]* {2}\| .*no database at db:5432/,
    );
    assert.match(stdout, /\nGEN +INSTANCE +WORKER +STATE[^\n]*\n +1 +ready +1 +ready/);
    assert.match(await body(ask(emperor)), /^one 1$/);
  });
});

describe('the control socket', () => {
  it('refuses values of another kind, and says what was expected', async (t) => {
    const emperor = await startGate(t);
    const { ask: askSocket } = await import('../harness/http-client.ts');
    const post = (path: string, content: string): Promise<Answer> =>
      askSocket(emperor.controlSocket, { path: `/apps/gate/${path}`, method: 'POST', body: content });
    for (const [path, content, message] of [
      ['pause', '{"wait": "yes"}', /wait: expected true or false/],
      ['scale', '{}', /processes: expected a whole number from 1 to 512, got nothing/],
      ['scale', '{"processes": 1.5}', /got 1\.5/],
      ['scale', '{"processes": "2"}', /got \\"2\\"/],
      ['scale', '[2]', /one JSON object/],
    ] as const) {
      const answer = await post(path, content);
      assert.equal(answer.status, 400, content);
      assert.match(answer.body, message);
    }
    assert.equal((await detail(emperor)).paused, false);
  });
});
