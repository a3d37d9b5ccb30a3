// What the examples promise about edits: a new text without a lost request, and long-lived connections that are closed
// by the app itself.
import assert from 'node:assert/strict';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EmperorProcess } from '../harness/emperor-process.ts';
import { serveExamples } from '../harness/examples.ts';
import { Site } from '../harness/site.ts';
import { SocketClient } from '../harness/socket-client.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Asks over and over, by several clients at once, until it is told to end. */
class Visitors {
  readonly answers: string[] = [];
  readonly #asking: Promise<void>[];
  #isAsking = true;

  constructor(count: number, visit: () => Promise<string>) {
    this.#asking = Array.from({ length: count }, () => this.#ask(visit));
  }

  async leave(): Promise<void> {
    this.#isAsking = false;
    await Promise.all(this.#asking);
  }

  async #ask(visit: () => Promise<string>): Promise<void> {
    while (this.#isAsking) {
      const answer = await visit().catch((error: unknown) => `failed: ${String(error)}`);
      this.answers.push(answer);
    }
  }
}

function touch(emperor: EmperorProcess, file: string): void {
  const now = new Date();
  utimesSync(join(emperor.directory, file), now, now);
}

test('editing the greeting of hello.yaml serves the new text, and no request fails meanwhile', async (t) => {
  const emperor = await serveExamples(t, ['hello']);
  const site = new Site(t, emperor.port, 'hello.localhost');
  const kept = new Visitors(3, async () => site.text('/'));
  const fresh = new Visitors(1, async () => {
    const { status, body } = await emperor.ask({ host: 'hello.localhost' });
    return status === 200 ? body : `failed: ${status}`;
  });
  const file = join(emperor.directory, 'hello.yaml');
  for (const greeting of ['Good morning', 'Grüß Gott']) {
    const answered = kept.answers.length;
    await waitFor(() => kept.answers.length > answered + 20, { what: 'some visits before the edit' });
    const edited = readFileSync(file, 'utf8').replace(/GREETING: .*/, `GREETING: ${greeting}`);
    assert.match(edited, new RegExp(greeting));
    writeFileSync(file, edited);
    for (const { answers } of [kept, fresh]) {
      await waitFor(() => answers.at(-1)?.includes(`<h1>${greeting}</h1>`), { what: greeting, timeoutMs: 20_000 });
    }
  }
  await kept.leave();
  await fresh.leave();
  const answers = [...kept.answers, ...fresh.answers];
  assert.deepEqual(
    answers.filter((answer) => answer.startsWith('failed')),
    [],
    `of ${answers.length} requests none fails`,
  );
});

test('a deploy closes the sockets of chat.yaml with 1012, service restart, and the next one meets the new process', async (t) => {
  const emperor = await serveExamples(t, ['chat']);
  const before = await SocketClient.open(t, emperor.port, 'chat.localhost', '/room');
  const first = pidIn(await before.hears('its process', (message) => message.includes('pid')));
  touch(emperor, 'chat.yaml');
  await emperor.generationIs('chat', 2);
  const after = await SocketClient.open(t, emperor.port, 'chat.localhost', '/room');
  assert.notEqual(pidIn(await after.hears('its process', (message) => message.includes('pid'))), first);
  // By the router in the course of the drain, or by the app itself at its stop signal.
  assert.equal((await before.closes()).code, 1012);
  assert.equal(after.closed, null);
});

test('a deploy ends the streams of events.yaml properly, and the next one comes from the new process', async (t) => {
  const emperor = await serveExamples(t, ['events']);
  const site = new Site(t, emperor.port, 'events.localhost');
  const before = await site.stream('/clock');
  await before.until('an event', ({ text }) => text.includes('data: '));
  touch(emperor, 'events.yaml');
  await emperor.generationIs('events', 2);
  const after = await site.stream('/clock');
  await after.until('an event', ({ text }) => text.includes('data: '));
  assert.notEqual(pidIn(after.text), pidIn(before.text));
  await waitFor(() => before.state !== 'open', { what: 'the end of the old stream', timeoutMs: 20_000 });
  assert.equal(before.state, 'ended', 'a whole answer, not a cut one');
  assert.equal(after.state, 'open');
});

function pidIn(text: string): string | undefined {
  return /"pid":(\d+)/.exec(text)?.[1];
}
