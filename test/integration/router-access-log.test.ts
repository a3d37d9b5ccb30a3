// The lines that a router writes of its requests, and that they cost no request whatever becomes of them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { ask, rawExchange } from '../harness/http-client.ts';
import { startProcess } from '../harness/processes.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, type RouterProcess, socketPath, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('the access log', () => {
  it('has one line per request, with what an operator asks for', async (t) => {
    const worker = await RecordingWorker.start(t, ({ body }) => ok(body.toUpperCase()));
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    await ask(router.port, { host: 'a.test', path: '/p?q', method: 'POST', body: 'hello' });
    await router.shutdown();
    const [line, ...more] = router.accessLines;
    assert.equal(more.length, 0);
    const { time, durationMs, queueMs, requestId, ...rest } = line ?? {};
    assert.ok(!Number.isNaN(Date.parse(String(time))));
    assert.ok(Number(durationMs) >= 0 && Number(queueMs) >= 0);
    assert.equal(requestId, worker.requests[0]?.fields.get('x-request-id')?.[0]);
    assert.deepEqual(rest, {
      kind: 'access',
      app: 'app',
      worker: 'app/1/1',
      method: 'POST',
      host: 'a.test',
      path: '/p?q',
      status: 200,
      bytesIn: 5,
      bytesOut: 5,
      client: '127.0.0.1',
    });
  });

  it('is JSON whatever a client sends, and says of a refused request what is known of it', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    const path = `/a"b\\c${'"'.repeat(7000)}`;
    await ask(router.port, { host: 'a.test', path });
    await ask(router.port, { host: 'nobody.test' });
    await rawExchange(router.port, 'GET / HTTP/1.1\r\n\r\n');
    await router.shutdown();
    const seen = router.accessLines.map(({ app, worker, path, status, cause, endedBy }) => [
      ...[app, worker, path, status, cause, endedBy],
    ]);
    assert.deepEqual(seen, [
      ['app', 'app/1/1', path, 200, undefined, undefined],
      [null, null, '/', 404, 'unknown-host', 'client'],
      [null, null, '', 400, 'client-malformed', 'client'],
    ]);
  });

  it('has the lines of all requests, in their order, when the router was told to end by a signal', async (t) => {
    const worker = await RecordingWorker.start(t);
    const file = socketPath(t, 'log');
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true, stdout: file });
    const paths = await askOneAfterTheOther(router, 1000);
    router.process.kill('SIGTERM');
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
    assert.deepEqual(pathsIn(readFileSync(file, 'utf8')), paths);
    assert.deepEqual(router.logged('lines were dropped'), []);
  });

  it('whose reader is slow has the lines of all requests', async (t) => {
    const [pipe, reader] = pipeTo(t);
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true, stdout: pipe });
    await askForLongLines(router);
    const paths = await askOneAfterTheOther(router, 200);
    let text = '';
    await waitFor(
      () => {
        text += take(reader, 10_000);
        return pathsIn(text).at(-1) === paths.at(-1);
      },
      { what: () => `the last line; got ${text.length} bytes, then ${text.slice(-300)}` },
    );
    assert.deepEqual(pathsIn(text).slice(-200), paths);
    assert.equal(pathsIn(text).length, 260);
    await router.shutdown();
  });

  it('is written where a bug ends the router', async (t) => {
    const file = socketPath(t, 'log');
    const log = new URL('../../router/edge/access-log.js', import.meta.url).href;
    const entry = {
      ...{
        app: 'a',
        worker: 'a/1/1',
        method: 'GET',
        host: 'a.test',
        path: '/last',
        status: 200,
        bytesIn: 0,
        bytesOut: 0,
      },
      ...{ durationMs: 0, queueMs: 0, client: '', requestId: '' },
    };
    const script = `const { AccessLog } = await import('${log}');
      new AccessLog({ nowMs: () => 0 }, { wallMs: Date.now }).write(${JSON.stringify(entry)});
      process.exit(1);`;
    const line = `exec "$@" > '${file}'`;
    const args = ['-c', line, 'sh', process.execPath, '--input-type=module', '--eval', script];
    const program = startProcess(t, '/bin/sh', args);
    assert.deepEqual(await program.exit(), { code: 1, signal: null }, program.stderr);
    assert.deepEqual(pathsIn(readFileSync(file, 'utf8')), ['/last']);
  });

  it('whose reader is gone fails no request', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    router.process.child.stdout?.destroy();
    await askForLongLines(router);
    await router.shutdown();
    assert.equal(droppedOf(router), 60);
  });

  it('whose pipe nobody reads fails no request and keeps no router from ending', async (t) => {
    const [pipe] = pipeTo(t);
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true, stdout: pipe });
    await askForLongLines(router);
    await router.shutdown();
    const dropped = droppedOf(router);
    assert.ok(dropped > 0 && dropped < 60, `${dropped} lines`);
  });
});

/** A pipe that is read by nobody but who reads from that descriptor. */
function pipeTo(t: TestContext): readonly [path: string, reader: number] {
  const path = socketPath(t, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => {
    closeSync(reader);
  });
  return [path, reader];
}

/** What can be read now, at most so many bytes. */
function take(reader: number, most: number): string {
  const bytes = Buffer.alloc(most);
  try {
    return bytes.toString('latin1', 0, readSync(reader, bytes));
  } catch {
    return '';
  }
}

/** What the router says of it, in one line. */
function droppedOf(router: RouterProcess): number {
  const [line = '{}', ...more] = router.logged('access lines were dropped');
  assert.deepEqual(more, []);
  return (JSON.parse(line) as { dropped: number }).dropped;
}

/** The paths of the whole lines in a log. */
function pathsIn(text: string): string[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { path: string }).path);
}

/** On one connection; each has a path of its own. */
async function askOneAfterTheOther(router: RouterProcess, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => `/${i}`);
  const requests = paths.map((path, i) => {
    const connection = i + 1 < count ? 'keep-alive' : 'close';
    return `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: ${connection}\r\n\r\n`;
  });
  const answers = await rawExchange(router.port, requests.join(''));
  assert.equal(answers.split('HTTP/1.1 200 ').length - 1, count);
  return paths;
}

/** More than a pipe or socket holds. */
async function askForLongLines(router: RouterProcess): Promise<void> {
  const path = `/${'x'.repeat(8000)}`;
  for (let i = 0; i < 60; i++) assert.equal((await ask(router.port, { host: 'a.test', path })).status, 200);
}
