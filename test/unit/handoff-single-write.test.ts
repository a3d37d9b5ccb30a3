// What a connection that was handed over sends in one go reaches its client as it would by Node's own writev.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { writeAtOnce } from '../../vassal/runtimes/node/handoff/single-write.ts';

type Part = readonly [chunk: string | Uint8Array, encoding: BufferEncoding];

const cases: Readonly<Record<string, { readonly parts: readonly Part[]; readonly sent: string }>> = {
  'one string and nothing': {
    parts: [
      ['caf\u00e9', 'utf8'],
      ['', 'latin1'],
    ],
    sent: 'café',
  },
  'one string of single bytes and nothing': {
    parts: [
      ['caf\u00c3\u00a9', 'latin1'],
      ['', 'latin1'],
    ],
    sent: 'café',
  },
  'nothing and a string': {
    parts: [
      ['', 'latin1'],
      ['a', 'utf8'],
    ],
    sent: 'a',
  },
  'two strings': {
    parts: [
      ['\u00e9', 'utf8'],
      ['b', 'latin1'],
    ],
    sent: 'éb',
  },
  'bytes and nothing': {
    parts: [
      [Uint8Array.of(97), 'utf8'],
      ['', 'latin1'],
    ],
    sent: 'a',
  },
  'three strings': {
    parts: [
      ['a', 'latin1'],
      ['', 'latin1'],
      ['b', 'utf8'],
    ],
    sent: 'ab',
  },
};

describe('on a handed-over connection a corked write of', () => {
  for (const [what, { parts, sent }] of Object.entries(cases)) {
    it(`${what} arrives whole, and each part is told of`, async (t) => {
      const { socket, received } = await connected(t);
      writeAtOnce(socket);
      socket.cork();
      const told = Promise.all(
        parts.map(
          ([chunk, encoding]) =>
            new Promise<void>((resolve) => {
              socket.write(chunk, encoding, () => {
                resolve();
              });
            }),
        ),
      );
      socket.uncork();
      await told;
      socket.end();
      assert.equal(await received, sent);
      assert.equal(socket.bytesWritten, Buffer.byteLength(sent));
    });
  }
});

/** A connection, and all that its other side reads. */
async function connected(t: TestContext): Promise<{ readonly socket: Socket; readonly received: Promise<string> }> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
  });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[other]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
  return { socket, received: text(other) };
}
