import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, parseAddress, type Address } from '../../lib/address.ts';
import { formatListeners, parseListeners } from '../../lib/listeners.ts';

describe('addresses', () => {
  const good: [string, Address, string][] = [
    [':8080', { kind: 'tcp', host: '', port: 8080 }, ':8080'],
    ['8080', { kind: 'tcp', host: '', port: 8080 }, ':8080'],
    ['*:80', { kind: 'tcp', host: '', port: 80 }, ':80'],
    ['127.0.0.1:0', { kind: 'tcp', host: '127.0.0.1', port: 0 }, '127.0.0.1:0'],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }, '[::1]:80'],
    ['localhost:65535', { kind: 'tcp', host: 'localhost', port: 65535 }, 'localhost:65535'],
    ['unix:/run/a.sock', { kind: 'unix', path: '/run/a.sock' }, 'unix:/run/a.sock'],
    ['/run/a.sock', { kind: 'unix', path: '/run/a.sock' }, 'unix:/run/a.sock'],
  ];
  for (const [text, address, formatted] of good) {
    it(`${text} is read and written as ${formatted}`, () => {
      assert.deepEqual(parseAddress(text), address);
      assert.equal(formatAddress(address), formatted);
    });
  }

  for (const text of ['', 'localhost', ':65536', 'unix:relative', '::1:80', 'a b:80', 'http://x:80', ':-1']) {
    it(`"${text}" is refused with a sentence that quotes it`, () => {
      const problem = parseAddress(text);
      assert.ok(typeof problem === 'string' && problem.includes(`"${text}"`), JSON.stringify(problem));
    });
  }

  it('the listeners of a router survive the way through its environment', () => {
    const listeners = [
      { address: ':8080', fd: 3 },
      { address: 'unix:/run/a.sock', fd: undefined },
    ];
    assert.deepEqual(parseListeners(formatListeners(listeners)), listeners);
    assert.deepEqual(parseListeners(undefined), []);
  });
});
