import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { ByteView } from '../../router/http1/byte-view.ts';
import type { HeadSpace } from '../../router/http1/head-space.ts';
import { HeadWriter, type HeadOutlet } from '../../router/http1/head-writer.ts';
import type { Fields, RequestHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { RecordingSink, requestLimits } from '../harness/http1-recording.ts';

function fieldsOf(lines: string): Fields {
  const sink = new RecordingSink<RequestHead>();
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines}\r\n`, 'latin1');
  new RequestParser(sink, requestLimits).execute(bytes, 0, bytes.length);
  assert.ok(sink.liveHead !== undefined);
  return sink.liveHead.fields;
}

function written(write: (writer: HeadWriter) => void): string {
  const writer = new HeadWriter();
  write(writer);
  return writer.take().toString('latin1');
}

describe('the head writer', () => {
  it('writes a request head', () => {
    const head = written((writer) => {
      writer.requestLine('GET', '/a?b');
      writer.field('Host', 'a.test');
      writer.field('X-A', 'caf\u00e9');
      writer.end();
    });
    assert.equal(head, 'GET /a?b HTTP/1.1\r\nHost: a.test\r\nX-A: caf\u00e9\r\n\r\n');
  });

  it('writes a status line with an empty reason', () => {
    assert.equal(
      written((writer) => {
        writer.statusLine(204, '');
      }),
      'HTTP/1.1 204 \r\n',
    );
  });

  it('copies field lines canonically: the name as sent, one blank, the value stripped', () => {
    const fields = fieldsOf('hOsT: a.test\r\nX-A:1\r\nX-B:\t 2 \t\r\nX-C:\r\nX-D:   \r\nX-E: 5 \r\nX-F: caf\u00e9\r\n');
    const copied = written((writer) => {
      for (let i = 0; i < fields.count; i++) writer.copy(fields, i);
    });
    assert.equal(copied, 'hOsT: a.test\r\nX-A: 1\r\nX-B: 2\r\nX-C: \r\nX-D: \r\nX-E: 5\r\nX-F: caf\u00e9\r\n');
  });

  it('keeps the order of copied and written lines', () => {
    const fields = fieldsOf('Host: a\r\nB: 2\r\nC: 3\r\nD: 4\r\n');
    const copied = written((writer) => {
      writer.statusLine(200, 'OK');
      writer.copy(fields, 1);
      writer.copy(fields, 2);
      writer.field('X', 'y');
      writer.copy(fields, 0);
      writer.copy(fields, 3);
      writer.copy(fields, 3);
      writer.end();
    });
    assert.equal(copied, 'HTTP/1.1 200 OK\r\nB: 2\r\nC: 3\r\nX: y\r\nHost: a\r\nD: 4\r\nD: 4\r\n\r\n');
  });

  it('throws where text would end a line or lose a character', () => {
    const writer = new HeadWriter();
    for (const value of ['a\r\nX: y', 'a\nb', 'a\rb', 'a\u0000b', 'a\u20acb']) {
      assert.throws(() => {
        writer.field('X-A', value);
      });
      writer.clear();
      assert.throws(() => {
        writer.statusLine(200, value);
      });
      assert.throws(() => {
        writer.requestLine('GET', value);
      });
      writer.clear();
    }
    for (const name of ['', 'a b', 'a:', 'a\r', 'caf\u00e9', '\u0141']) {
      assert.throws(() => {
        writer.field(name, 'x');
      });
      assert.throws(() => {
        writer.requestLine(name, '/');
      });
    }
    for (const target of ['', '/ HTTP/1.1']) {
      assert.throws(() => {
        writer.requestLine('GET', target);
      });
    }
    for (const status of [99, 1000, 200.5, Number.NaN]) {
      assert.throws(() => {
        writer.statusLine(status, '');
      });
    }
  });

  it('writes chunk framing', () => {
    const fields = fieldsOf('Host: a\r\nX-T:1\r\n');
    assert.equal(
      written((writer) => {
        writer.chunkHead(26);
        writer.chunkEnd();
        writer.lastChunk();
        writer.lastChunk(fields);
      }),
      '1a\r\n\r\n0\r\n\r\n0\r\nHost: a\r\nX-T: 1\r\n\r\n',
    );
    for (const length of [0, -1, 1.5, Number.POSITIVE_INFINITY]) {
      assert.throws(() => {
        new HeadWriter().chunkHead(length);
      });
    }
  });

  it('grows with what is written and is used again', () => {
    const writer = new HeadWriter();
    const long = 'x'.repeat(100_000);
    const fields = fieldsOf(`Host: a\r\nX-L: ${'y'.repeat(9000)}\r\n`);
    writer.field('A', long);
    writer.copy(fields, 1);
    assert.equal(writer.length, writer.view().length);
    assert.equal(writer.take().toString('latin1'), `A: ${long}\r\nX-L: ${'y'.repeat(9000)}\r\n`);
    assert.equal(writer.length, 0);
    writer.field('B', 'b');
    const view = writer.view();
    assert.equal(view.toString('latin1'), 'B: b\r\n');
    writer.clear();
    assert.equal(writer.take().length, 0);
  });

  it('hands out by take() what later writing does not change', () => {
    const writer = new HeadWriter();
    writer.field('A', 'a');
    const taken = writer.take();
    writer.field('B', 'b');
    assert.equal(taken.toString('latin1'), 'A: a\r\n');
  });

  it('writes where it is sent from, one head behind the other, and moves an unfinished one to where it fits', () => {
    const space = new SmallSpace();
    const writer = new HeadWriter(space);
    const expected: string[] = [];
    for (let nth = 1; nth <= 40; nth++) {
      const value = 'v'.repeat(nth);
      writer.clear();
      writer.field('Nth', String(nth));
      writer.field('Long', value);
      writer.end();
      const text = `Nth: ${nth}\r\nLong: ${value}\r\n\r\n`;
      assert.equal(writer.length, text.length);
      assert.equal(writer.send(space), text.length);
      expected.push(text);
    }
    assert.deepEqual(space.sent, expected);
    assert.ok(space.emptied > 0);
    // Those of up to 64 bytes, which is nearly all of them.
    assert.equal(space.sentInPlace, expected.filter(({ length }) => length <= 64).length);
  });

  it('writes over a head that was given up', () => {
    const space = new SmallSpace();
    const writer = new HeadWriter(space);
    writer.field('A', 'given up');
    writer.clear();
    writer.field('B', 'b');
    writer.send(space);
    assert.deepEqual(space.sent, ['B: b\r\n']);
    assert.equal(space.at, 6);
  });

  it('writes numbers as toString spells them', () => {
    const numbers = [0, 9, 10, 35, 36, 1295, 1296, 99_999, 100_000, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
    for (const number of numbers) {
      assert.equal(
        written((writer) => {
          writer.base36(number);
          writer.text(' ');
          writer.decimal(number);
        }),
        `${number.toString(36)} ${number}`,
      );
    }
  });
});

/** Memory of 64 bytes that is free again once it is told to be. */
class SmallSpace implements HeadSpace, HeadOutlet {
  readonly view = new ByteView(Buffer.alloc(64));
  readonly sent: string[] = [];
  at = 0;
  emptied = 0;
  sentInPlace = 0;

  empty(): void {
    this.at = 0;
    this.emptied++;
  }

  write(bytes: Buffer, start: number, end: number): void {
    this.sent.push(bytes.toString('latin1', start, end));
    if (bytes !== this.view.bytes) return;
    this.at = end;
    this.sentInPlace++;
  }
}
