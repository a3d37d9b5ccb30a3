// What requests on the control socket carry is taken as it is meant, or refused in one sentence.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readAddress, readProcesses, readRegistration, readWait } from '../../emperor/api-values.ts';

describe('a registration', () => {
  it('has a weight of 1 and lives for 30 seconds where it does not say otherwise', () => {
    assert.deepEqual(readRegistration({ address: 'http://A:80/' }), { address: 'A:80', weight: 1, ttlMs: 30_000 });
    assert.deepEqual(readRegistration({ address: 'unix:/run/a.sock', weight: 7, ttl: '5m' }), {
      address: 'unix:/run/a.sock',
      weight: 7,
      ttlMs: 300_000,
    });
    assert.deepEqual(readRegistration({ address: 'a:1', ttl: 10 }), { address: 'a:1', weight: 1, ttlMs: 10_000 });
    assert.deepEqual(readRegistration({ address: 'a:1', ttl: '1d' }), { address: 'a:1', weight: 1, ttlMs: 86_400_000 });
  });

  for (const [body, sentence] of [
    [{}, /^address: expected unix:\/path or http:\/\/host:port, got nothing$/],
    [{ address: 5 }, /^address: expected unix:.* got 5$/],
    [{ address: 'a' }, /^address: expected unix:.* got "a"$/],
    [{ address: 'a:1', weight: 1001 }, /^weight: expected a whole number from 1 to 1000, got 1001$/],
    [{ address: 'a:1', weight: '2' }, /^weight: .* got "2"$/],
    [{ address: 'a:1', ttl: '500ms' }, /^ttl: expected a duration from 1 s to 1 d, such as 30s, got "500ms"$/],
    [{ address: 'a:1', ttl: 86_401 }, /^ttl: .* got 86401$/],
    [{ address: 'a:1', ttl: null }, /^ttl: .* got nothing \(null\)$/],
    [{ address: 'a:1', tll: '1m' }, /^"tll" is no value of this request$/],
  ] as const) {
    it(`${JSON.stringify(body)} is refused: ${sentence.source}`, () => {
      const read = readRegistration(body);
      assert.ok(typeof read === 'string');
      assert.match(read, sentence);
    });
  }

  it('never throws, whatever was sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('address', 'weight', 'ttl', 'x'), fc.jsonValue()), (body) => {
        const read = readRegistration(body);
        assert.ok(typeof read === 'string' || (read.ttlMs >= 1000 && read.weight >= 1));
        readAddress(body);
      }),
    );
  });
});

describe('a number of workers', () => {
  it('is a whole one from 1 to 512', () => {
    assert.deepEqual([readProcesses({ processes: 1 }), readProcesses({ processes: 512 })], [1, 512]);
    for (const processes of [0, 513, 1.5, -1, '2', null, undefined, Number.NaN]) {
      assert.match(String(readProcesses({ processes })), /expected a whole number from 1 to 512/);
    }
  });
});

describe('wait', () => {
  it('is no unless it says yes', () => {
    assert.deepEqual([readWait({}), readWait({ wait: true }), readWait({ wait: false })], [false, true, false]);
    assert.match(String(readWait({ wait: 'no' })), /expected true or false, got "no"/);
  });
});
