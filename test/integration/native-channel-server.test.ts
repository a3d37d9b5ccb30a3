import assert from 'node:assert/strict';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DescriptorChannel } from '../../native/channel.ts';
import { ChannelEnd, serveChannels } from '../harness/channel-site.ts';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('a channel server', { skip: withoutAddon }, () => {
  it('has the mode it was given, and never replaces a file that is there', (t) => {
    const site = serveChannels(t);
    assert.equal(lstatSync(site.path).mode & 0o777, 0o600);
    const file = join(tempDir(t), 'precious');
    writeFileSync(file, 'text');
    const before = descriptorCount(process.pid);
    assert.throws(() => serveChannels(t, file), { code: 'EADDRINUSE', syscall: 'bind' });
    assert.equal(readFileSync(file, 'utf8'), 'text');
    assert.equal(descriptorCount(process.pid), before);
  });

  it('that is not there, or a socket of another kind, is an error for who connects', async (t) => {
    const dial = (path: string): DescriptorChannel =>
      addonUnderTest().connectChannel(path, { onMessage: () => undefined, onEnd: () => undefined });
    const path = join(tempDir(t), 'missing');
    assert.throws(() => dial(path), {
      code: 'ENOENT',
      syscall: 'connect',
      message: `connect ENOENT: no such file or directory ${path}`,
    });
    const stream = join(tempDir(t), 'stream');
    const server = createServer().listen(stream);
    await waitFor(() => server.listening, { what: 'the stream socket' });
    assert.throws(() => dial(stream), { code: 'EPROTOTYPE', syscall: 'connect' });
    server.close();
    const site = serveChannels(t);
    site.close();
    assert.throws(() => dial(site.path), { code: 'ECONNREFUSED', syscall: 'connect' });
  });

  it('goes on, and rests, while its process has no descriptor left', async (t) => {
    const path = join(tempDir(t), 'channel');
    const child = startWithAddon(
      t,
      `import { closeSync, openSync } from 'node:fs';
      addon.openChannelServer(process.argv[1], 0o600, (channel) => {
        console.log('taken up');
        return { onMessage: () => process.exit(), onEnd: () => undefined };
      });
      const files = [];
      try { for (;;) files.push(openSync('/dev/null')); } catch {}
      process.on('SIGUSR2', () => { files.forEach((fd) => closeSync(fd)); console.log('room'); });
      setInterval(() => undefined, 1000);
      console.log('full');`,
      { args: [path], openFiles: 64 },
    );
    await child.printed('full');
    const refused = new ChannelEnd((handler) => addonUnderTest().connectChannel(path, handler));
    await refused.ended();
    child.kill('SIGUSR2');
    await child.printed('room');
    const taken = new ChannelEnd((handler) => addonUnderTest().connectChannel(path, handler));
    await child.printed('taken up');
    taken.send('end');
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    await taken.ended();
  });
});
