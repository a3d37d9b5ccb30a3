// Chain and canary through the real programs: who is asked by whom, how many workers there are, and what turns a canary
// back.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorOptions, type EmperorProcess, type VassalJson } from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import type { Scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait-for.ts';

/**
 * Answers with its generation; with STATUS, with that status; with DELAY, so many ms late; with PAUSE, its 20th
 * request keeps the whole process busy for so many ms.
 */
const server = `
let requests = 0;
module.exports = (request, response) => {
  const end = Date.now() + Number(process.env.PAUSE ?? 0);
  if (++requests === 20) while (Date.now() < end);
  response.statusCode = Number(process.env.STATUS ?? 200);
  setTimeout(() => response.end(process.env.EMPEROR_GENERATION), Number(process.env.DELAY ?? 0));
};
`;

const shop = (keys: string): string => `app: ./server.cjs\nsettle: 1s\ndrain-timeout: 5s\n${keys}\n`;

async function serve(t: TestContext, keys: string, options: EmperorOptions = {}): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals: { 'server.cjs': server, 'shop.yaml': shop(keys) }, ...options });
  await emperor.appIs('shop', 'running');
  return emperor;
}

/** Waits for how far the rollout of `shop` is, or for the generation that is live after it. */
async function rolloutIs(
  emperor: EmperorProcess,
  what: string,
  isSo: (rollout: VassalJson['rollout'], live: number | null) => boolean | Promise<boolean>,
): Promise<void> {
  await waitFor(
    async () => {
      const shop = (await emperor.status()).vassals.find(({ name }) => name === 'shop');
      return shop !== undefined && isSo(shop.rollout, shop.generation);
    },
    // Its pauses alone take seconds: what the usual bound leaves is not enough for a loaded machine.
    { what: () => `the rollout to be ${what}; ${emperor.process.stderr.slice(-1500)}`, timeoutMs: 60_000 },
  );
}

/** One request on a connection of its own: `status generation`. */
async function asked(emperor: EmperorProcess): Promise<string> {
  const { status, body } = await emperor.ask({ host: 'shop.localhost' });
  return `${status} ${body}`;
}

/** Asks on new connections until `isEnough` says so of all answers so far. */
async function askUntil(
  emperor: EmperorProcess,
  what: string,
  isEnough: (answers: readonly string[]) => boolean | Promise<boolean>,
): Promise<readonly string[]> {
  const answers: string[] = [];
  await waitFor(
    async () => {
      answers.push(...(await Promise.all(Array.from({ length: 8 }, async () => asked(emperor)))));
      return isEnough(answers);
    },
    {
      what: () => `${what}; last answers ${JSON.stringify(answers.slice(-10))}; ${emperor.process.stderr.slice(-1500)}`,
      timeoutMs: 60_000,
    },
  );
  return answers;
}

/** A kept connection: its answers never go back to an older generation. */
class Kept {
  readonly #connection: RawConnection;
  generations: number[] = [];

  constructor(t: Scope, emperor: EmperorProcess) {
    const connection = new RawConnection(emperor.port);
    t.after(() => {
      connection.destroy();
    });
    this.#connection = connection;
  }

  async ask(): Promise<void> {
    const count = this.generations.length + 1;
    this.#connection.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n');
    const received = await this.#connection.until(`answer ${count}`, (text) => bodies(text).length >= count);
    this.generations = bodies(received);
  }
}

function bodies(received: string): number[] {
  return [...received.matchAll(/\r\n\r\n(?:[0-9a-f]+\r\n)?(\d+)/g)].map(([, body]) => Number(body));
}

describe('rollout: chain', () => {
  it('replaces one worker after the other, never fewer than there are to be and one more at most', async (t) => {
    const keys = 'processes: 3\nrollout: chain\n';
    const emperor = await serve(t, keys);
    const counts = new Set<number>();
    emperor.write('shop.yaml', shop(`${keys}env: {EDIT: 1}`));
    const answers = await askUntil(emperor, 'only the new generation to answer', async (all) => {
      const { vassals } = await emperor.status();
      const workers = vassals.flatMap(({ instances }) => instances.flatMap((one) => one.workers));
      // Starting and stopping ones take memory too.
      counts.add(workers.filter(({ pid }) => pid > 0).length);
      return all.slice(-16).every((answer) => answer === '200 2');
    });
    assert.ok(answers.every((answer) => answer === '200 1' || answer === '200 2'));
    assert.ok(
      [...counts].every((count) => count >= 3 && count <= 4),
      [...counts].join(),
    );
    const { instances } = await emperor.generationIs('shop', 2);
    assert.equal(instances.find(({ generation }) => generation === 2)?.workers.length, 3);
  });
});

describe('rollout: canary', () => {
  const canary = 'rollout: {canary: [30%, 60%, 100%], pause: 1s}\n';

  it('gives growing shares of the connections to the new generation; a kept one never goes back', async (t) => {
    const emperor = await serve(t, canary);
    const kept = Array.from({ length: 12 }, () => new Kept(t, emperor));
    await Promise.all(kept.map(async (one) => one.ask()));
    emperor.write('shop.yaml', shop(`${canary}env: {EDIT: 1}`));
    const answers = await askUntil(emperor, 'everybody to meet the new generation', async (all) => {
      await Promise.all(kept.map(async (one) => one.ask()));
      return all.slice(-40).every((answer) => answer === '200 2');
    });
    const first = answers.findIndex((answer) => answer === '200 2');
    assert.ok(answers.slice(first).includes('200 1'), 'both generations answered at the same time');
    for (const { generations } of kept) {
      assert.deepEqual(
        generations,
        [...generations].sort((a, b) => a - b),
        'never back',
      );
      assert.equal(generations.at(-1), 2);
    }
    await emperor.generationIs('shop', 2);
  });

  it('goes on at its step under the next emperor: a kept connection does not go back then either', async (t) => {
    const keys = canary.replace('1s', '3s');
    const emperor = await serve(t, keys, { endsItself: true });
    const kept = Array.from({ length: 24 }, () => new Kept(t, emperor));
    const askAll = async (): Promise<void> => {
      await Promise.all(kept.map(async (one) => one.ask()));
    };
    await askAll();
    emperor.write('shop.yaml', shop(`${keys}env: {EDIT: 1}`));
    await rolloutIs(emperor, 'at its second step', (rollout) => rollout?.step === 2);
    await askAll();
    emperor.process.kill('SIGKILL');
    await emperor.process.exit();
    const next = await startEmperor(t, { in: { directory: emperor.directory, runDir: emperor.runDir } });
    await rolloutIs(next, 'over', async (_rollout, live) => {
      await askAll();
      return live === 2;
    });
    await askAll();
    for (const { generations } of kept) {
      assert.deepEqual(
        generations,
        [...generations].sort((a, b) => a - b),
        'never back',
      );
      assert.equal(generations.at(-1), 2);
    }
  });

  it('that answers 5xx is turned back by itself, and says so with the figures', async (t) => {
    const emperor = await serve(t, canary.replace('1s', '60s'));
    emperor.write('shop.yaml', shop(`${canary.replace('1s', '60s')}env: {STATUS: 500}`));
    await askUntil(emperor, 'the canary to be turned back', () =>
      emperor.events.some(({ result }) => result === 'failed'),
    );
    const { lastDeploy, generation } = await emperor.appIs('shop', 'degraded');
    assert.equal(generation, 1);
    assert.equal(lastDeploy?.result, 'failed');
    assert.match(
      lastDeploy.reason ?? '',
      /^turned back at 30% of the clients: more errors: \d+\.\d% errors \(\d+ of \d+\)/,
    );
    const after = await askUntil(emperor, 'a few more answers', (all) => all.length >= 32);
    assert.ok(after.every((answer) => answer === '200 1'));
  });

  it('that is slow is turned back too', async (t) => {
    const emperor = await serve(t, canary.replace('1s', '60s'));
    emperor.write('shop.yaml', shop(`${canary.replace('1s', '60s')}env: {DELAY: 400}`));
    await askUntil(emperor, 'the canary to be turned back', () =>
      emperor.events.some(({ result }) => result === 'failed'),
    );
    const { lastDeploy } = await emperor.appIs('shop', 'degraded');
    assert.match(lastDeploy?.reason ?? '', /slower: median \d+ ms, against \d/);
  });

  it('that paused once, however many requests had to wait for it, is not turned back', async (t) => {
    const half = 'rollout: {canary: [50%, 100%], pause: 2s}\n';
    const emperor = await serve(t, half);
    const clients = Array.from({ length: 100 }, () => new Kept(t, emperor));
    emperor.write('shop.yaml', shop(`${half}env: {PAUSE: 300}`));
    await rolloutIs(emperor, 'at its first step', (rollout) => rollout?.step === 1);
    // About thirty of its hundred answers are late.
    for (let i = 0; i < 2; i++) await Promise.all(clients.map(async (one) => one.ask()));
    await rolloutIs(emperor, 'over', (rollout) => rollout === null);
    assert.equal((await emperor.appIs('shop', 'running')).generation, 2);
  });

  it('under `reload --wait` is waited for to its last step', async (t) => {
    const emperor = await serve(t, canary);
    const { code, stdout, stderr } = await emperor.command('reload', 'shop', '--wait');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /generation 2 is live/);
    assert.equal(await asked(emperor), '200 2');
  });
});
