// Where a stream may be cut: between the frames of a WebSocket, and between server-sent events.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EventBoundary } from '../../router/core/event-boundary.ts';
import { closeToClient, closeToWorker, WebSocketFrames } from '../../router/core/websocket-frames.ts';

/** A frame as RFC 6455 section 5.2 draws it. */
function frame(opcode: number, length: number, { masked = false, first = 0x80 } = {}): Buffer {
  const size = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8);
  if (size.length === 2) size.writeUInt16BE(length);
  if (size.length === 8) size.writeBigUInt64BE(BigInt(length));
  const code = size.length === 0 ? length : size.length === 2 ? 126 : 127;
  return Buffer.concat([
    Buffer.from([first | opcode, (masked ? 0x80 : 0) | code]),
    ...[size, Buffer.alloc(masked ? 4 : 0, 7), Buffer.alloc(length, 0xff)],
  ]);
}

function followed(bytes: Buffer, sender: 'client' | 'server' = 'server'): WebSocketFrames {
  const frames = new WebSocketFrames(sender);
  frames.follow(bytes, 0, bytes.length);
  return frames;
}

describe('the frames of a WebSocket', () => {
  it('end where they end, however the bytes are cut', () => {
    const length = fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 65_535, 65_536, 70_000));
    fc.assert(
      fc.property(fc.array(length, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (...args) => {
        const [lengths, cuts, masked] = args;
        const frames = new WebSocketFrames(masked ? 'client' : 'server');
        const pieces = lengths.map((length) => frame(2, length, { masked }));
        const bytes = Buffer.concat(pieces);
        const ends = new Set<number>([0]);
        pieces.reduce((at, piece) => {
          ends.add(at + piece.length);
          return at + piece.length;
        }, 0);
        const at = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        let from = 0;
        for (const to of at) {
          frames.follow(bytes, from, to);
          assert.equal(frames.isAtBoundary, ends.has(to), `after ${to} of ${bytes.length}`);
          from = to;
        }
        assert.equal(frames.isLost, false);
      }),
    );
  });

  it('are followed to the first end only, if that is asked for', () => {
    const first = frame(1, 300);
    const bytes = Buffer.concat([first, frame(1, 5)]);
    const frames = new WebSocketFrames('server');
    assert.equal(frames.followToBoundary(bytes, 0, 100), 100);
    assert.equal(frames.isAtBoundary, false);
    assert.equal(frames.followToBoundary(bytes, 100, bytes.length), first.length);
    assert.equal(frames.isAtBoundary, true);
  });

  it('tell a Close once it is whole', () => {
    const close = frame(8, 2);
    assert.equal(followed(close.subarray(0, 3)).hasClosed, false);
    assert.equal(followed(close).hasClosed, true);
    assert.equal(followed(frame(9, 2)).hasClosed, false);
  });

  it('may bear the bits of extensions, and fragments', () => {
    assert.equal(followed(frame(1, 5, { first: 0xc0 })).isAtBoundary, true);
    assert.equal(followed(frame(1, 5, { first: 0x00 })).isAtBoundary, true);
  });

  const none: [string, Buffer, 'client' | 'server'][] = [
    ['an unknown opcode', frame(3, 0), 'server'],
    ['a mask from the server', frame(1, 0, { masked: true }), 'server'],
    ['no mask from the client', frame(1, 0), 'client'],
    ['a fragmented ping', frame(9, 0, { first: 0 }), 'server'],
    ['a long pong', frame(10, 126), 'server'],
    ['a length in more bytes than it needs', Buffer.from([0x82, 126, 0, 5]), 'server'],
    ['the same in eight bytes', Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), 'server'],
    ['a length without end', Buffer.from([0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0]), 'server'],
    ['text', Buffer.from('hello there'), 'server'],
  ];
  for (const [name, bytes, sender] of none) {
    it(`are none: ${name}; and nothing after that is`, () => {
      const frames = followed(bytes, sender);
      assert.deepEqual([frames.isLost, frames.isAtBoundary], [true, false]);
      const more = frame(1, 3, { masked: sender === 'client' });
      frames.follow(more, 0, more.length);
      assert.deepEqual([frames.isLost, frames.isAtBoundary], [true, false]);
    });
  }

  it('of our own say 1012 to a client and 1001, masked, to a worker', () => {
    assert.deepEqual([...closeToClient.subarray(0, 4)], [0x88, 17, 0x03, 0xf4]);
    assert.equal(closeToClient.subarray(4).toString(), 'service restart');
    assert.deepEqual([...closeToWorker.subarray(0, 8)], [0x88, 0x80 | 17, 0, 0, 0, 0, 0x03, 0xe9]);
    assert.equal(followed(closeToClient, 'server').hasClosed, true);
    assert.equal(followed(closeToWorker, 'client').hasClosed, true);
  });
});

describe('events', () => {
  const cases: [string, boolean][] = [
    ['', true],
    ['data: 1\n\n', true],
    ['data: 1\r\n\r\n', true],
    ['data: 1\r\r', true],
    ['data: 1\n\r\n', true],
    ['data: 1\r\r\n', true],
    ['data: 1\n', false],
    ['data: 1\r\n', false],
    ['data: 1', false],
    ['\r\n', true],
    ['d', false],
    ['data: 1\n\ndata: 2', false],
  ];
  for (const [text, isReached] of cases) {
    it(`${isReached ? 'are between two' : 'are within one'} after ${JSON.stringify(text)}, however it is cut`, () => {
      const bytes = Buffer.from(text);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const boundary = new EventBoundary();
        boundary.follow(bytes, 0, cut);
        boundary.follow(bytes, cut, bytes.length);
        assert.equal(boundary.isReached, isReached, `cut at ${cut}`);
      }
    });
  }

  it('end at the first blank line', () => {
    const bytes = Buffer.from('ta: 1\n\ndata: 2\n\n');
    const boundary = new EventBoundary();
    boundary.follow(Buffer.from('da'), 0, 2);
    assert.equal(boundary.followToBoundary(bytes, 0, bytes.length), 'ta: 1\n\n'.length);
    assert.equal(boundary.isReached, true);
    assert.equal(boundary.followToBoundary(bytes, 7, 10), 10);
    assert.equal(boundary.isReached, false);
  });
});
