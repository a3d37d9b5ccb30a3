import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { targetBytes, valueBytes } from '../../router/http1/byte-classes.ts';
import { ByteView, skipTarget, skipText } from '../../router/http1/byte-view.ts';
import { LastText } from '../../router/http1/last-text.ts';

function viewOf(text: string): ByteView {
  return new ByteView(Buffer.from(text, 'latin1'));
}

describe('a view of bytes', () => {
  it('copies any range to any place, and nothing beyond it', () => {
    const source = new ByteView(Buffer.from(Array.from({ length: 400 }, (_, i) => i % 251)));
    for (let start = 0; start < 9; start++) {
      for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 9, 159, 160, 161, 162, 300]) {
        for (let at = 0; at < 5; at++) {
          const target = new ByteView(Buffer.alloc(400, 0xee));
          target.copy(at, source, start, start + length);
          const expected = Buffer.alloc(400, 0xee);
          source.bytes.copy(expected, at, start, start + length);
          assert.ok(target.bytes.equals(expected), `${start} ${length} ${at}`);
        }
      }
    }
  });

  it('sees only its part of a larger buffer', () => {
    const view = new ByteView(Buffer.from('abcdef').subarray(2, 5));
    const target = viewOf('.....');
    target.copy(1, view, 0, 3);
    assert.equal(target.bytes.toString(), '.cde.');
  });

  it('compares every byte of a range', () => {
    const text = 'GET /a/b/c HTTP/1.1';
    for (let length = 0; length <= text.length; length++) {
      const ours = viewOf(`xy${text}`);
      assert.ok(ours.equals(2, viewOf(text), 0, length));
      for (let i = 0; i < length; i++) {
        const other = viewOf(text);
        other.bytes[i] = (other.bytes[i] ?? 0) ^ 0x80;
        assert.ok(!ours.equals(2, other, 0, length), `${length} ${i}`);
      }
    }
  });
});

describe('skipping bytes by the word', () => {
  it('skips no byte that the tables do not have, wherever it stands and whatever is around it', () => {
    for (const [skip, table] of [
      [skipText, valueBytes],
      [skipTarget, targetBytes],
    ] as const) {
      for (let byte = 0; byte < 256; byte++) {
        for (let at = 0; at < 12; at++) {
          for (const around of [0x21, 0x24, 0x41, 0x7e]) {
            const view = new ByteView(Buffer.alloc(16, around));
            view.bytes[at] = byte;
            const stop = skip(view, 0, 12);
            if (table[byte] === 0) assert.ok(stop <= at, `byte ${byte} at ${at} among ${around}`);
            // And passes what a table would: obs-text and HTAB are left to it.
            else if (byte > 0x20 && byte < 0x7f) assert.equal(stop, 12);
          }
        }
      }
    }
  });

  it('passes SP in a text, and stays before the end', () => {
    const view = viewOf('a b c d e f g h');
    for (let end = 0; end <= view.bytes.length; end++) {
      const stop = skipText(view, 1, end);
      assert.ok(stop <= Math.max(end, 1) && end - stop < 4);
    }
  });
});

describe('the text that was read last', () => {
  it('is what the bytes say, the same, another or a longer one', () => {
    const last = new LastText();
    for (const text of [
      '',
      '/',
      '/',
      '/a',
      '/b',
      'x'.repeat(64),
      'x'.repeat(65),
      'x'.repeat(65),
      '/b',
      'caf\u00e9',
      '',
    ]) {
      assert.equal(last.read(viewOf(`..${text}..`), 2, 2 + text.length), text);
    }
  });
});
