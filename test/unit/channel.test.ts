import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Channel } from '../../lib/channel.ts';
import { systemClock } from '../../lib/clock.ts';
import { Dialer } from '../../lib/dialer.ts';
import { decodeFromRouter, decodeToRouter } from '../../lib/router-messages.ts';
import { decodeFromVassal } from '../../lib/vassal-messages.ts';
import { ControlListener } from '../harness/control-listener.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Heard {
  readonly messages: unknown[];
  readonly closed: (Error | undefined)[];
}

async function listen(t: TestContext): Promise<{ path: string; heard: Heard }> {
  const path = join(tempDir(t), 'c.sock');
  const heard: Heard = { messages: [], closed: [] };
  const server = createServer((socket) => {
    new Channel(socket, {
      onMessage: (message) => heard.messages.push(message),
      onClose: (error) => heard.closed.push(error),
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return { path, heard };
}

describe('the line channel', () => {
  it('messages arrive whole however the bytes are cut, multi-byte characters included', async (t) => {
    const { path, heard } = await listen(t);
    const socket = connect(path);
    for (const byte of Buffer.from('{"a":"é€😀"}\n{"b":2}\n')) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    }
    socket.end();
    await waitFor(() => heard.closed.length === 1, { what: 'the end' });
    assert.deepEqual(heard.messages, [{ a: 'é€😀' }, { b: 2 }]);
    assert.deepEqual(heard.closed, [undefined]);
  });

  it('a line that is no JSON ends the connection and says which line', async (t) => {
    const { path, heard } = await listen(t);
    connect(path)
      .on('error', () => undefined)
      .end('GET / HTTP/1.1\r\n\r\n');
    await waitFor(() => heard.closed.length === 1, { what: 'the end' });
    assert.match(String(heard.closed[0]), /not a line of JSON: GET \/ HTTP/);
  });
});

describe('a dialing child', () => {
  it('says hello again to every emperor that comes, and is told when one is lost', async (t) => {
    const dir = tempDir(t);
    const path = join(dir, 'control.sock');
    let hellos = 0;
    let lost = 0;
    const dialer = new Dialer({
      path,
      clock: systemClock,
      random: () => 0,
      hello: () => ({ type: 'hello', n: (hellos += 1) }),
      onMessage: () => undefined,
      onLost: () => (lost += 1),
    });
    t.after(() => {
      dialer.stop();
    });
    const first = await ControlListener.start(t, path);
    await first.child();
    await first.stop();
    await waitFor(() => lost === 1, { what: 'the loss' });
    const second = await ControlListener.start(t, path);
    const connection = await second.child();
    assert.deepEqual(connection.messages, [{ type: 'hello', n: 2 }]);
  });
});

describe('messages of other processes', () => {
  it('are accepted by their outer shape', () => {
    assert.deepEqual(decodeFromRouter({ type: 'applied', version: 1, busy: [] }), {
      type: 'applied',
      version: 1,
      busy: [],
    });
    const shutdown = { type: 'shutdown', graceMs: 5, idleMs: 1 };
    assert.deepEqual(decodeToRouter(shutdown), shutdown);
  });

  for (const [message, sentence] of [
    [null, 'not an object'],
    [[], 'not an object'],
    [{ type: 'toString' }, 'unknown type "toString"'],
    [{ type: 'applied', version: '1', busy: [] }, 'applied: version is not of kind number'],
    [{ type: 'applied', version: 1, busy: {} }, 'applied: busy is not of kind array'],
  ] as const) {
    it(`${JSON.stringify(message)} is refused: ${sentence}`, () => {
      assert.equal(decodeFromRouter(message), sentence);
    });
  }

  it('a vassal may have nothing running yet, but not something else', () => {
    const hello = { type: 'hello', role: 'vassal', protocol: 2, name: 'a', generation: 1, pid: 1 };
    assert.equal(typeof decodeFromVassal({ ...hello, running: null }), 'object');
    assert.equal(decodeFromVassal({ ...hello, running: 'yes' }), 'hello: running is not of kind nullable-object');
  });
});
