// The emperor as a service of systemd: what it tells the service manager, and the unit that is shipped.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Notification } from '../../native/index.ts';
import { startEmperor } from '../harness/emperor-process.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { packageRoot } from '../harness/paths.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const vassals = {
  'who.cjs': `module.exports = (request, response) => response.end(process.env.NOTIFY_SOCKET ?? 'none');`,
  'who.yaml': 'app: ./who.cjs\n',
};

/** A service manager that remembers what it is told. */
class Manager {
  readonly heard: Notification[] = [];
  readonly path: string;

  constructor(t: TestContext) {
    this.path = join(tempDir(t), 'notify');
    const socket = addonUnderTest().openNotifySocket(this.path, (notification) => this.heard.push(notification));
    t.after(() => {
      socket.close();
    });
  }

  /** Waits for a notification that has all these lines, from index `from` on; returns the index after it. */
  async hears(from: number, ...lines: readonly (string | RegExp)[]): Promise<number> {
    const has = (text: string, wanted: string | RegExp): boolean =>
      text.split('\n').some((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)));
    const index = await waitFor(
      () => {
        const found = this.heard.findIndex(({ text }, at) => at >= from && lines.every((line) => has(text, line)));
        return found !== -1 && found;
      },
      { what: () => `${lines.join(', ')}; heard ${JSON.stringify(this.heard)}`, timeoutMs: 30_000 },
    );
    return index + 1;
  }
}

describe('what systemd is told', { skip: withoutAddon }, () => {
  it('ready when clients are served, reloading and ready again around an upgrade, stopping at the end', async (t) => {
    const manager = new Manager(t);
    const emperor = await startEmperor(t, { vassals, env: { NOTIFY_SOCKET: manager.path } });
    const [address = ''] = (await emperor.status()).router.listen;
    const ready = await manager.hears(0, 'READY=1', /^STATUS=serving \d apps? on 127\.0\.0\.1:\d+$/);
    await manager.hears(0, `STATUS=serving 1 app on ${address}`);
    await emperor.appIs('who', 'running');
    assert.notEqual((await emperor.ask({ host: 'who.localhost' })).body, manager.path, 'apps do not speak to it');

    const since = process.hrtime.bigint() / 1000n;
    assert.equal((await emperor.command('upgrade', '--wait')).code, 0);
    const reloading = await manager.hears(ready, 'RELOADING=1', /^MONOTONIC_USEC=\d+$/);
    const [, at = '0'] = /MONOTONIC_USEC=(\d+)/.exec(manager.heard[reloading - 1]?.text ?? '') ?? [];
    assert.ok(BigInt(at) >= since && BigInt(at) <= process.hrtime.bigint() / 1000n, `${at} is the monotonic clock`);
    const again = await manager.hears(reloading, 'READY=1', /^STATUS=serving /);

    emperor.write('two.yaml', 'app: ./who.cjs\n');
    await manager.hears(again, `STATUS=serving 2 apps on ${address}`);
    assert.deepEqual(await emperor.stop(), { code: 0, signal: null });
    await manager.hears(again, 'STOPPING=1', /^STATUS=draining /);
    for (const { pid } of manager.heard) assert.equal(pid, emperor.process.pid, 'the main process alone speaks');
    const told = (line: string): number => manager.heard.filter(({ text }) => text.split('\n').includes(line)).length;
    assert.deepEqual([told('READY=1'), told('RELOADING=1'), told('STOPPING=1')], [2, 1, 1]);
  });

  it('that its loop turns, as often as the watchdog asks, also after an upgrade', async (t) => {
    const manager = new Manager(t);
    const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '2000000' };
    const emperor = await startEmperor(t, { env });
    let from = 0;
    for (let ping = 1; ping <= 3; ping += 1) from = await manager.hears(from, 'WATCHDOG=1');
    assert.equal((await emperor.command('upgrade', '--wait')).code, 0);
    from = await manager.hears(from, 'RELOADING=1', /^MONOTONIC_USEC=/);
    for (let ping = 1; ping <= 2; ping += 1) from = await manager.hears(from, 'WATCHDOG=1');
  });

  it('nothing of a watchdog that is meant for another process', async (t) => {
    const manager = new Manager(t);
    const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' };
    const emperor = await startEmperor(t, { env });
    await emperor.stop();
    await manager.hears(0, 'STOPPING=1');
    assert.ok(!manager.heard.some(({ text }) => text.includes('WATCHDOG')));
  });
});

describe('the unit for systemd', () => {
  const unit = join(packageRoot, 'deploy/systemd/emperor.service');
  const analyzer = '/usr/bin/systemd-analyze';
  const skip = existsSync(analyzer) || process.env['CI'] === 'true' ? false : 'systemd-analyze is not installed';

  it('passes systemd-analyze verify without a word', { skip }, async () => {
    const { code, output } = await new Promise<{ code: number | string | null; output: string }>((resolve) => {
      execFile(analyzer, ['verify', '--man=no', unit], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? null), output: stdout + stderr });
      });
    });
    assert.equal(output, '');
    assert.equal(code, 0);
  });

  it('waits for readiness, upgrades at a reload, drains at a stop, and leaves the apps alone after a crash', () => {
    const lines = readFileSync(unit, 'utf8').split('\n');
    for (const line of [
      'Type=notify',
      'NotifyAccess=main',
      'KillMode=process',
      'Delegate=yes',
      'Restart=on-failure',
      'ExecReload=/usr/bin/env emperor upgrade --wait',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });
});
