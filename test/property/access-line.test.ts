// The line in the access log of whatever entry: what it says is the entry, and it is byte for byte what pino makes of it.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { AccessLine, accessLineText, roomForLine, type AccessEntry } from '../../router/edge/access-line.ts';
import { ByteView } from '../../router/http1/byte-view.ts';

const wallMs = Date.UTC(2026, 1, 3, 4, 5, 6, 78);

const ordinary: AccessEntry = {
  ...{ app: 'shop', worker: 'shop/7/2', method: 'GET', host: 'shop.test', path: '/a?b=c', status: 200 },
  ...{ bytesIn: 0, bytesOut: 12, durationMs: 1.234, queueMs: 0, client: '127.0.0.1', requestId: '01234567-1x' },
  ...{ cause: undefined, endedBy: undefined },
};

/** What the bytes around a line are before and after it. */
const around = 0xee;

/** The line written byte by byte; undefined where the entry is not ordinary. Nothing beside its room is touched. */
function written(entry: AccessEntry, atMs = wallMs, line = new AccessLine()): string | undefined {
  const at = 5;
  const room = roomForLine(entry);
  const view = new ByteView(Buffer.alloc(at + room + 8, around));
  const end = line.write(view, at, entry, atMs);
  assert.ok(end <= at + room, `${end - at} bytes in a room of ${room}`);
  assert.ok(view.bytes.subarray(0, at).every((byte) => byte === around));
  assert.ok(view.bytes.subarray(at + room).every((byte) => byte === around));
  return end === -1 ? undefined : view.bytes.toString('latin1', at, end);
}

/** What a logger that is given an object makes of it. */
function referenceLine(entry: AccessEntry, atMs: number): string {
  let made = '';
  const stream = {
    write: (line: string) => {
      made += line;
    },
  };
  const time = new Date(atMs).toISOString();
  const options = {
    base: null,
    timestamp: () => `,"time":"${time}"`,
    formatters: { level: () => ({ kind: 'access' }) },
  };
  pino(options, stream).info({
    ...entry,
    ...{ app: entry.app ?? null, worker: entry.worker ?? null },
    ...{ durationMs: hundredths(entry.durationMs), queueMs: hundredths(entry.queueMs) },
  });
  return made;
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 150 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '/', '"', '\\', '\n', '\u007f', '\u00e9', '\u2028', '/a"b\\c\u0001', 'x'.repeat(20_000)),
);
const plainText = fc.stringMatching(/^[ !#-[\]-~]{0,120}$/);
const anyCount = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31));
const anyMs = fc.oneof(
  fc.double({ min: 0, max: 1e5, noNaN: true }),
  fc.double({ min: 0, max: 1e12, noNaN: true }),
  fc.nat(100_000).map((value) => value / 100),
);

const entryOf = (text: fc.Arbitrary<string>, rare: fc.Arbitrary<string | undefined>): fc.Arbitrary<AccessEntry> =>
  fc.record({
    ...{ app: fc.oneof(text, rare), worker: fc.oneof(text, rare), method: text, host: text, path: text },
    ...{ status: fc.integer({ min: 100, max: 999 }), bytesIn: anyCount, bytesOut: anyCount },
    ...{ durationMs: anyMs, queueMs: anyMs, client: text, requestId: text, cause: rare, endedBy: rare },
  });

/** Moments of all years that have four digits. */
const anyTime = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });

describe('an access line', () => {
  it('of any entry is one line, says just that, and is byte for byte what pino makes of it', () => {
    const line = new AccessLine();
    fc.assert(
      fc.property(entryOf(anyText, fc.option(anyText, { nil: undefined })), anyTime, (entry, atMs) => {
        const text = written(entry, atMs, line) ?? accessLineText(entry, atMs);
        assert.equal(text.indexOf('\n'), text.length - 1);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const { kind, time, ...rest } = parsed;
        assert.deepEqual({ kind, time }, { kind: 'access', time: new Date(atMs).toISOString() });
        const { app = null, worker = null, cause, endedBy, ...always } = entry;
        const expected = {
          ...{ ...always, app, worker, durationMs: hundredths(entry.durationMs), queueMs: hundredths(entry.queueMs) },
          ...(cause === undefined ? {} : { cause }),
          ...(endedBy === undefined ? {} : { endedBy }),
        };
        assert.deepEqual(rest, expected);
        assert.equal(text, referenceLine(entry, atMs));
      }),
      { numRuns: 1000 },
    );
  });

  it('that is ordinary is written byte by byte', () => {
    const line = new AccessLine();
    const small = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const smallMs = fc.double({ min: 0, max: 2e7, noNaN: true });
    const ordinaryEntry = fc.record({
      ...{ app: plainText, worker: plainText, method: plainText, host: plainText, path: plainText },
      ...{ status: fc.integer({ min: 100, max: 999 }), bytesIn: small, bytesOut: small },
      ...{ durationMs: smallMs, queueMs: smallMs, client: plainText, requestId: plainText },
      ...{ cause: fc.constant(undefined), endedBy: fc.constant(undefined) },
    });
    fc.assert(
      fc.property(ordinaryEntry, anyTime, (entry, atMs) => {
        assert.equal(written(entry, atMs, line), accessLineText(entry, atMs));
      }),
      { numRuns: 1000 },
    );
  });

  it('has room for the largest numbers', () => {
    const largest = 2 ** 31 - 1;
    const [bytesIn, bytesOut, durationMs, queueMs] = [largest, largest, largest / 100, largest / 100];
    const entry = { ...ordinary, status: largest, bytesIn, bytesOut, durationMs, queueMs };
    assert.equal(written(entry), accessLineText(entry, wallMs));
  });

  it('has durations in hundredths of a millisecond, without zeros that say nothing', () => {
    const durations: readonly (readonly [number, string])[] = [
      [0, '0'],
      [0.004, '0'],
      [0.005, '0.01'],
      [0.1, '0.1'],
      [1.05, '1.05'],
      [1.999, '2'],
      [12.3, '12.3'],
      [59_999.994, '59999.99'],
    ];
    for (const [durationMs, text] of durations) {
      const line = written({ ...ordinary, durationMs });
      assert.ok(line?.includes(`,"durationMs":${text},`), `${durationMs}: ${String(line)}`);
      assert.equal(line, accessLineText({ ...ordinary, durationMs }, wallMs));
    }
  });

  it('tells the time of its own second, also where the clock was put back', () => {
    const line = new AccessLine();
    for (const atMs of [wallMs, wallMs + 1, wallMs + 922, wallMs - 5000, wallMs]) {
      assert.equal(written(ordinary, atMs, line), accessLineText(ordinary, atMs));
    }
  });

  it('keeps half of a surrogate pair as JSON can', () => {
    const entry = { ...ordinary, path: '/\ud800' };
    assert.equal(written(entry), undefined);
    const text = accessLineText(entry, wallMs);
    assert.ok(text.includes('"path":"/\\ud800"'));
    assert.equal((JSON.parse(text) as { path: string }).path, entry.path);
  });
});
