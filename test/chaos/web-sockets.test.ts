// Invariant 4: across a deploy open WebSockets echo through the whole drain window, are closed by 1012 (or 1001) at
// moments spread over it, and then the old generation is gone.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isAlive } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';
import { untilServed } from './actions/action.ts';
import { AppFiles, emperorYaml } from './apps.ts';
import { Box } from './box.ts';
import { talk } from './clients/web-socket.ts';
import { Connection } from './connection.ts';
import { leftovers } from './leftovers.ts';
import { Pace } from './pace.ts';
import { Random } from './random.ts';
import { Recorder } from './record.ts';

const app = 'shop';
const count = 60;
const drainMs = 4000;

it('WebSockets echo through the drain, are closed one by one, and the old generation is gone', async (t) => {
  const base = tempDir(t);
  const box = new Box(t, base, 1);
  const files = new AppFiles(box.directory, base, {
    apps: [app],
    keys: { 'drain-timeout': `${drainMs / 1000}s`, settle: '0s' },
  });
  box.configure(emperorYaml(1));
  await box.start();
  await untilServed({ box, files }, app);
  const old = (await box.vassal(app))?.instances.flatMap(({ pid, workers }) => [pid, ...workers.map((one) => one.pid)]);
  assert.equal(old?.length, 3);

  const recorder = new Recorder();
  const options = { recorder, pace: new Pace(), random: new Random(1) };
  const talks = Array.from({ length: count }, async () => talk(options, new Connection(recorder, box.port, app)));
  await waitFor(() => recorder.sockets.length === count && recorder.sockets.every(({ echoes }) => echoes > 0), {
    what: 'all WebSockets to echo',
  });
  files.edit(app, 'good');
  const { atMs: liveAtMs } = await box.announced(
    'the deploy',
    0,
    ({ type, generation, result }) => type === 'deploy' && generation === 2 && result === 'live',
  );
  await Promise.all(talks);

  for (const { corruption, closeCode, lastSentAtMs, lastEchoAtMs, exchange } of recorder.sockets) {
    assert.equal(corruption, undefined);
    assert.ok(closeCode === 1012 || closeCode === 1001, `close code ${closeCode ?? 'none'}, ${exchange.outcome}`);
    // Sent every 150 ms: at most the very last message was still on its way.
    assert.ok(lastEchoAtMs >= lastSentAtMs || (exchange.endedAtMs ?? 0) - lastSentAtMs < 2000, 'it echoed to the end');
  }
  spread(recorder.sockets.map(({ closeAtMs }) => (closeAtMs ?? 0) - liveAtMs));
  for (const pid of old) {
    await waitFor(() => !isAlive(pid), { what: `process ${pid} of the old generation to end`, timeoutMs: 20_000 });
  }
  assert.deepEqual(await leftovers(box), []);
});

/** Closed over the window: not all at once, at its beginning or at its end. The machine may be slow, not fast. */
function spread(closings: readonly number[]): void {
  const sorted = closings.toSorted((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  const told = `closed from ${Math.round(first)} to ${Math.round(last)} ms after the deploy`;
  assert.ok(last - first > drainMs / 2, told);
  const tenths = new Map<number, number>();
  for (const at of sorted) {
    const tenth = Math.floor(((at - first) / (last - first + 1)) * 10);
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
  }
  assert.ok(Math.max(...tenths.values()) <= count / 2, `${told}, by tenths: ${JSON.stringify([...tenths])}`);
}
