// Every raw request case against the real router with a recording worker: whole, cut at every offset, and behind a
// good request. Each connection comes from a loopback address of its own, by which the worker's records are told apart.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ask } from '../harness/http-client.ts';
import { readAnswers, type RawAnswer } from '../harness/raw-answers.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { within } from '../harness/wait-for.ts';
import { requestCases, type RequestCase } from './cases.ts';

const batchSize = 128;
const everyOffsetUpTo = 400;
const goodRequest = 'GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n';
/**
 * Two requests whose first has to be answered before the second is sent: one refusal if they come together. If the
 * second comes after the answer there is nothing to object to.
 */
const pairs = new Set(['X16', 'X18']);
/** The sender withholds the body; its end shows when it ends the connection. */
const withheld = new Set(['X03']);

interface Run {
  readonly testCase: RequestCase;
  readonly pieces: readonly string[];
  readonly what: string;
  /** A good request precedes the case. */
  readonly isBehindGood: boolean;
}

const wholeRuns = (testCase: RequestCase): Run[] => {
  const text = testCase.bytes.toString('latin1');
  return [
    { testCase, pieces: [text], what: 'whole', isBehindGood: false },
    { testCase, pieces: [goodRequest + text], what: 'behind a good request', isBehindGood: true },
  ];
};

const cutRuns = (testCase: RequestCase): Run[] => {
  const text = testCase.bytes.toString('latin1');
  return cutsOf(text.length).map((cut) => ({
    testCase,
    pieces: [text.slice(0, cut), text.slice(cut)],
    what: `cut at ${cut}`,
    isBehindGood: false,
  }));
};

describe('the router on the request cases', () => {
  const cases = requestCases();

  it('judges each as the profile says, whole and behind a good request', async (t) => {
    await check(t, cases.flatMap(wholeRuns));
  });

  it('judges each the same cut in two at any offset', async (t) => {
    await check(t, cases.flatMap(cutRuns));
  });
});

async function check(t: TestContext, runs: readonly Run[]): Promise<void> {
  const worker = await RecordingWorker.start(t, ({ requestLine }) => ok(requestLine));
  const router = await startRouter(t, { apps: [routeTo(worker.path, { domains: ['a.test', 'a_b.test'] })] });
  for (let start = 0; start < runs.length; start += batchSize) {
    const batch = runs
      .slice(start, start + batchSize)
      .map((run, index) => new CaseClient(run, addressOf(start + index)));
    await Promise.all(batch.map((client) => client.open(router.port)));
    for (const client of batch) client.write(0);
    if (batch.some(({ run }) => run.pieces.length > 1)) {
      await barrier(router);
      for (const client of batch) client.write(1);
    }
    await Promise.all(batch.map((client) => client.finish(worker)));
  }
}

/** When this is answered, the router has read whatever was sent to it before. */
async function barrier(router: RouterProcess): Promise<void> {
  await ask(router.port, { host: 'nobody.test' });
}

class CaseClient {
  readonly run: Run;
  readonly #address: string;
  #socket: Socket | undefined;
  #received = '';
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(run: Run, address: string) {
    this.run = run;
    this.#address = address;
  }

  async open(port: number): Promise<void> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      localAddress: this.#address,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.#isEnded = true;
        this.#wake();
      });
    }
    socket.on('error', () => undefined);
    await within(new Promise((resolve) => socket.once('connect', resolve)), { what: 'a connection' });
  }

  write(index: number): void {
    const piece = this.run.pieces[index];
    if (piece !== undefined && piece !== '') this.#socket?.write(Buffer.from(piece, 'latin1'));
    const { id, halfCloses } = this.run.testCase;
    if (index === this.run.pieces.length - 1 && (halfCloses || withheld.has(id))) this.#socket?.end();
  }

  async finish(worker: RecordingWorker): Promise<void> {
    const { testCase, what, isBehindGood } = this.run;
    try {
      const answers = await this.#answers(isBehindGood ? 2 : 1);
      if (isBehindGood) assert.equal(answers[0]?.body, 'GET /first HTTP/1.1');
      await this.#check(answers.slice(isBehindGood ? 1 : 0), worker);
    } catch (error) {
      const received = this.#received.slice(0, 400);
      throw new Error(`${testCase.id} (${testCase.description}), ${what}; got ${JSON.stringify(received)}`, {
        cause: error,
      });
    } finally {
      this.#socket?.destroy();
    }
  }

  /** Waits for that many final answers, or the end of the connection. */
  async #answers(count: number): Promise<readonly RawAnswer[]> {
    const answers = (): readonly RawAnswer[] => readAnswers(this.#received).final;
    await this.#until(() => answers().filter(({ isWhole }) => isWhole).length >= count);
    return answers();
  }

  async #check(answers: readonly RawAnswer[], worker: RecordingWorker): Promise<void> {
    const { testCase, isBehindGood } = this.run;
    const { expect } = testCase;
    const reached = worker.requests.filter(
      ({ fields, requestLine }) =>
        fields.get('x-forwarded-for')?.[0] === this.#address &&
        !(isBehindGood && requestLine.startsWith('GET /first ')),
    );
    const [answer] = answers;
    assert.ok(answer?.isWhole === true, 'an answer');
    if (pairs.has(testCase.id) && answer.status === 200) {
      assert.notEqual(this.run.what, 'whole');
      return;
    }
    const status = expect.status ?? (testCase.id === 'H11' ? 200 : 400);
    assert.equal(answer.status, status);
    if (status === 200) {
      assert.equal(reached.length, 1);
      if (testCase.id === 'H11') assert.deepEqual(reached[0]?.fields.get('x-a'), ['a\u00ffb']);
      return;
    }
    // What part of a refused pair is well-formed may be on its way when the rest comes.
    if (!pairs.has(testCase.id)) assert.equal(reached.length, 0, 'a refused request does not reach the app');
    assert.ok(answer.fields.has('x-emperor-error'), 'a page of the router itself');
    if (status === 404) return;
    await this.#until(() => this.#isEnded);
    const { final, rest } = readAnswers(this.#received);
    assert.equal(final.length, isBehindGood ? 2 : 1, 'nothing behind a refused request is answered');
    assert.equal(rest, '');
  }

  async #until(condition: () => boolean): Promise<void> {
    const settled = (async () => {
      while (!condition() && !this.#isEnded) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    })();
    await within(settled, { what: 'the outcome', timeoutMs: 20_000 });
  }
}

/** Every offset of a short case; of a long one those near its ends and our limits, and every 997th between. */
function cutsOf(length: number): number[] {
  const cuts: number[] = [];
  for (let cut = 1; cut < length; cut++) {
    const isNear = [0, 8192, 16_384, length].some((limit) => Math.abs(cut - limit) <= 16);
    if (length <= everyOffsetUpTo || isNear || cut % 997 === 0) cuts.push(cut);
  }
  return cuts;
}

function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}
