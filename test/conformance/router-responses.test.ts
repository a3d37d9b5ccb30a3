// Every raw answer case against the real router: what the client then sees, and that the next request on its
// connection gets its own answer and never a left-over byte.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RawConnection } from '../harness/http-client.ts';
import { readAnswers, type RawAnswer } from '../harness/raw-answers.ts';
import { ok, RecordingWorker, type RecordedRequest } from '../harness/recording-worker.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { responseCases, type ResponseCase } from './cases.ts';

const batchSize = 64;
const everyOffsetUpTo = 400;

/** The status the client sees; `cut`: an answer begins and visibly does not end. */
const outcomes: Readonly<Record<string, number | 'cut'>> = {
  ...Object.fromEntries(responseCases().map(({ id }) => [id, 502])),
  U02: 200,
  U13: 200,
  U21: 'cut',
  U22: 'cut',
  U24: 204,
  U26: 200,
  U29: 200,
  U35: 200,
  U36: 200,
  U38: 200,
};

/** Every run is an app of its own, so that none gets a connection on which another's worker still sends. */
interface Run {
  readonly name: string;
  readonly testCase: ResponseCase;
  /** Where the worker's bytes are cut; 0: they are sent in one piece. */
  readonly cut: number;
}

const runOf = (testCase: ResponseCase, cut: number): Run => ({
  name: `${testCase.id}-${cut}`.toLowerCase(),
  testCase,
  cut,
});

describe('the router on the answer cases', () => {
  const cases = responseCases();

  it('gives the client what the profile says', async (t) => {
    await check(
      t,
      cases.map((testCase) => runOf(testCase, 0)),
    );
  });

  it('gives the client the same if the answer comes in two pieces, cut at any offset', async (t) => {
    await check(
      t,
      cases.flatMap((testCase) => cutsOf(testCase.bytes.length).map((cut) => runOf(testCase, cut))),
    );
  });
});

async function check(t: TestContext, runs: readonly Run[]): Promise<void> {
  const byHost = new Map(runs.map((run) => [`${run.name}.test`, run]));
  const worker = await RecordingWorker.start(t, (request) => answerBy(byHost, request));
  const apps = runs.map(({ name }) => routeTo(worker.path, { name, domains: [`${name}.test`] }));
  const router = await startRouter(t, { apps });
  for (let start = 0; start < runs.length; start += batchSize) {
    await Promise.all(runs.slice(start, start + batchSize).map((run) => checkRun(router.port, run, worker)));
  }
}

function answerBy(byHost: ReadonlyMap<string, Run>, request: RecordedRequest): string | undefined {
  const { requestLine, connection } = request;
  const run = byHost.get(hostOf(request));
  if (run === undefined || requestLine.includes('/second')) return ok('second');
  const { bytes } = run.testCase;
  if (run.cut === 0) {
    connection.socket.end(bytes);
    return undefined;
  }
  connection.socket.write(bytes.subarray(0, run.cut), () => {
    // A turn later, so that the pieces arrive one by one as far as the kernel lets them.
    setImmediate(() => connection.socket.end(bytes.subarray(run.cut)));
  });
  return undefined;
}

async function checkRun(port: number, { name, testCase, cut }: Run, worker: RecordingWorker): Promise<void> {
  const { id, description, method } = testCase;
  const connection = new RawConnection(port);
  const answers = (): readonly RawAnswer[] => readAnswers(connection.received, [method, 'GET']).final;
  try {
    connection.write(`${method} /first HTTP/1.1\r\nHost: ${name}.test\r\n\r\n`);
    if (outcomes[id] === 'cut') {
      await connection.ended();
      assert.deepEqual(
        answers().map(({ status, isWhole }) => [status, isWhole]),
        [[200, false]],
      );
      return;
    }
    await connection.until('an answer', () => answers()[0]?.isWhole === true);
    // Until the worker has sent all, nobody can tell its left-over bytes from the answer to a second request.
    await waitFor(
      () =>
        worker.requests
          .filter((request) => hostOf(request) === `${name}.test`)
          .every(({ connection }) => connection.isClosed),
      { what: `the worker's connection to close` },
    );
    connection.write(`GET /second HTTP/1.1\r\nHost: ${name}.test\r\nConnection: close\r\n\r\n`);
    await connection.ended();
    checkAnswers(id, answers());
    assert.equal(readAnswers(connection.received, [method, 'GET']).rest, '');
  } catch (error) {
    const got = JSON.stringify(connection.received.slice(0, 500));
    throw new Error(`${id} (${description}), cut at ${cut}; got ${got}`, { cause: error });
  } finally {
    connection.destroy();
  }
}

function hostOf({ fields }: RecordedRequest): string {
  return fields.get('host')?.[0] ?? '';
}

function checkAnswers(id: string, [first, second, ...more]: readonly RawAnswer[]): void {
  assert.ok(first !== undefined);
  assert.equal(first.status, outcomes[id]);
  assert.equal(first.fields.has('x-emperor-error'), first.status === 502);
  if (first.status === 200) assert.equal(first.body, id === 'U26' ? '' : 'OK');
  assert.equal(first.fields.has('date'), true);
  assert.equal(first.fields.has('x-secret'), false);
  assert.equal(first.fields.has('keep-alive'), false);
  if (first.status === 204) assert.equal(first.fields.has('content-length'), false);
  // The connection may have been closed instead; what never happens is another's answer.
  if (second !== undefined) assert.deepEqual([second.status, second.body], [200, 'second']);
  assert.equal(more.length, 0);
}

function cutsOf(length: number): number[] {
  const cuts: number[] = [];
  for (let cut = 1; cut < length; cut++) {
    const isNear = [0, 65_536, length].some((limit) => Math.abs(cut - limit) <= 16);
    if (length <= everyOffsetUpTo || isNear || cut % 9973 === 0) cuts.push(cut);
  }
  return cuts;
}
