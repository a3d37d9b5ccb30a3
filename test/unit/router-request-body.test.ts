import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { RequestBody } from '../../router/edge/request-body.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';

const kinds = { chunked: { kind: 'chunked' }, length: { kind: 'length', length: 100_000 } } as const;

interface Held {
  readonly body: RequestBody;
  /** Shows a piece, as a transport does: amid other bytes. */
  readonly show: (piece: string) => void;
  /** The call is over, and its bytes change. */
  readonly endCall: () => void;
  /** What a worker gets of it. */
  readonly sent: () => string;
}

function held(kind: keyof typeof kinds = 'length', isRepeatable = true): Held {
  const body = new RequestBody(new HeadWriter(), kinds[kind], isRepeatable);
  const slab = Buffer.alloc(200_000);
  let used = 0;
  return {
    body,
    show: (piece) => {
      const start = used + 3;
      used = start + slab.write(piece, start, 'latin1');
      body.receivedBytes += piece.length;
      body.hold(slab, start, used);
    },
    endCall: () => {
      body.keep();
      slab.fill(0xff);
      used = 0;
    },
    sent: () => {
      let sent = '';
      body.decideFraming(true);
      body.sendHeld({ write: (bytes, start, end) => ((sent += bytes.toString('latin1', start, end)), true) }, 0);
      return sent;
    },
  };
}

describe('a body that is held', () => {
  it('goes out in its order, from within the call that showed it and after it', () => {
    const { show, endCall, sent } = held();
    show('one');
    show('two');
    assert.equal(sent(), 'onetwo');
    endCall();
    show('three');
    assert.equal(sent(), 'onetwothree');
    endCall();
    assert.equal(sent(), 'onetwothree');
  });

  it('is whole in however many pieces and calls it came', () => {
    const { body, show, endCall, sent } = held();
    let all = '';
    for (let i = 0; i < 3000; i++) {
      const piece = String.fromCharCode(0x21 + (i % 90)).repeat(1 + (i % 7));
      show(piece);
      all += piece;
      if (i % 500 === 0) endCall();
    }
    assert.equal(sent(), all);
    endCall();
    assert.equal(sent(), all);
    assert.equal(body.bytesSent, all.length);
  });

  it('is chunked anew where its end did not come, and has a length where it did', () => {
    const { body, show, endCall, sent } = held('chunked');
    show('he');
    show('llo');
    endCall();
    assert.deepEqual(body.decideFraming(true), { kind: 'chunked' });
    assert.equal(sent(), '5\r\nhello\r\n');
    body.hasEnded = true;
    assert.deepEqual(body.decideFraming(true), { kind: 'length', length: 5 });
    assert.equal(sent(), 'hello');
  });

  it('is full at 64 KB', () => {
    const { body, show } = held();
    show('x'.repeat(65_535));
    assert.equal(body.isFull, false);
    show('x');
    assert.equal(body.isFull, true);
  });

  it('is forgotten when it is sent, and cannot be sent again, where its request may not be repeated', () => {
    const { body, show, endCall, sent } = held('length', false);
    show('once');
    endCall();
    assert.equal(body.isReplayable, true);
    assert.equal(sent(), 'once');
    assert.equal(body.isReplayable, false);
    assert.equal(sent(), '');
  });
});
