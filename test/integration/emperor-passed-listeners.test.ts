// Taking listening sockets over from a router: whole and fitting, or not at all, and then nothing stays open.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { takeListeners } from '../../emperor/passed-listeners.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';

interface Router {
  readonly pid?: number;
  readonly isThere?: () => boolean;
  passListeners(path: string): void;
}

/** Lets `router` pass its sockets; checks that no file stays, and no descriptor but those that were taken. */
async function take(t: TestContext, router: Router): Promise<readonly Listener[] | string> {
  const addon = addonUnderTest();
  const runDir = tempDir(t);
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  const asked = { pid: process.pid, isThere: () => true, ...router };
  const outcome = await takeListeners(asked, { addon, clock: systemClock, runDir });
  assert.equal(existsSync(join(runDir, 'ports.sock')), false);
  const taken = typeof outcome === 'string' ? [] : outcome.flatMap(({ fd }) => fd ?? []);
  // Sockets of Node close a turn later.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open(), before + taken.length, 'descriptors');
  for (const fd of taken) addon.closeDescriptor(fd);
  return outcome;
}

/** A router within this process that sends these bytes, each with fresh sockets of these ports, and hangs up. */
function sending(pieces: (ports: readonly number[]) => readonly { text: string; count: number }[]): Router {
  const addon = addonUnderTest();
  return {
    passListeners: (path) => {
      const fds = [addon.listenTcp('127.0.0.1', 0, 16), addon.listenTcp('127.0.0.1', 0, 16)];
      const left = [...fds];
      const socket: Socket = connect(path, () => {
        const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
        for (const { text, count } of pieces(fds.map((one) => addon.localPort(one)))) {
          addon.sendDescriptors(fd, Buffer.from(text), left.splice(0, count));
        }
        for (const one of fds) addon.closeDescriptor(one);
        socket.destroy();
      });
    },
  };
}

const wordsOf = (outcome: readonly Listener[] | string): string => (typeof outcome === 'string' ? outcome : 'taken');

const line = (ports: readonly number[]): string =>
  `${JSON.stringify({ listen: ports.map((port) => `127.0.0.1:${port}`) })}\n`;

describe('listening sockets that a router passes on', { skip: withoutAddon }, () => {
  it('are taken with their addresses, also in several pieces', async (t) => {
    for (const cut of [0, 10]) {
      let passed: readonly number[] = [];
      const outcome = await take(
        t,
        sending((ports) => {
          passed = ports;
          const text = line(ports);
          if (cut === 0) return [{ text, count: 2 }];
          return [
            { text: text.slice(0, cut), count: 1 },
            { text: text.slice(cut), count: 1 },
          ];
        }),
      );
      assert.ok(typeof outcome !== 'string', wordsOf(outcome));
      assert.deepEqual(
        outcome.map(({ address }) => address),
        passed.map((port) => `127.0.0.1:${port}`),
      );
    }
  });

  it('are refused where they do not fit what was said of them', async (t) => {
    const wrong: readonly (readonly [
      RegExp,
      (ports: readonly number[]) => readonly { text: string; count: number }[],
    ])[] = [
      [/other addresses/, (ports) => [{ text: line(ports), count: 1 }]],
      [/other addresses/, (ports) => [{ text: line(ports.slice(1)), count: 2 }]],
      [/not as it says/, (ports) => [{ text: line([...ports].reverse()), count: 2 }]],
      [/no addresses/, () => [{ text: '{"listen":[]}\n', count: 2 }]],
      [/JSON/, () => [{ text: 'hello\n', count: 2 }]],
      [/hung up/, (ports) => [{ text: line(ports).slice(0, -1), count: 2 }]],
    ];
    for (const [why, pieces] of wrong) {
      const outcome = await take(t, sending(pieces));
      assert.match(wordsOf(outcome), why);
    }
  });

  it('are refused from anybody but the router that was asked', async (t) => {
    const script =
      'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b"{}\\n"); s.recv(1)';
    let stranger: ReturnType<typeof startProcess> | undefined;
    const outcome = await take(t, {
      isThere: () => stranger?.isRunning !== false,
      passListeners: (path) => {
        stranger = startProcess(t, 'python3', ['-c', script, path]);
      },
    });
    assert.equal(outcome, 'it died meanwhile', 'the stranger was hung up on');
    await stranger?.exit();
  });

  it('are not waited for where the router is gone, or hangs', async (t) => {
    const silent = { passListeners: (): void => undefined };
    assert.equal(await take(t, { ...silent, isThere: () => false }), 'it died meanwhile');
    assert.match(wordsOf(await take(t, silent)), /within 3 seconds/);
  });
});
