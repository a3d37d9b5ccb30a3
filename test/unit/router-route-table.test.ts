// Which app serves a host and a path.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDomain } from '../../router/core/host.ts';
import { RouteTable } from '../../router/core/route-table.ts';

const tableOf = (...domains: string[]): RouteTable<string> =>
  new RouteTable(domains.map((domain) => ({ domain, app: domain })));

describe('a domain', () => {
  const cases: [string, ReturnType<typeof parseDomain>][] = [
    ['shop.test', { kind: 'exact', host: 'shop.test', prefix: '' }],
    ['Shop.Test/Cart', { kind: 'exact', host: 'shop.test', prefix: '/Cart' }],
    ['shop.test/', { kind: 'exact', host: 'shop.test', prefix: '' }],
    ['*.shop.test/a/b/', { kind: 'wildcard', host: 'shop.test', prefix: '/a/b' }],
    ['*', { kind: 'any', host: '', prefix: '' }],
    ['*/api', { kind: 'any', host: '', prefix: '/api' }],
  ];
  for (const [domain, expected] of cases) {
    it(`${domain} is read as ${expected.kind} ${expected.host}${expected.prefix}`, () => {
      assert.deepEqual(parseDomain(domain), expected);
    });
  }
});

describe('the route table', () => {
  const table = tableOf(
    'a.test',
    'a.test/x',
    'a.test/x/y',
    '*.a.test',
    '*.b.a.test',
    '*.test/only',
    'c.test/p',
    '*',
    '*/z',
  );
  const cases: [string, string, string | undefined][] = [
    ['a.test', '/', 'a.test'],
    ['a.test', '/x', 'a.test/x'],
    ['a.test', '/x?q', 'a.test/x'],
    ['a.test', '/x/', 'a.test/x'],
    ['a.test', '/x/y/z', 'a.test/x/y'],
    ['a.test', '/xy', 'a.test'],
    ['a.test', '*', 'a.test'],
    ['q.a.test', '/', '*.a.test'],
    ['p.q.a.test', '/', '*.a.test'],
    ['b.a.test', '/', '*.a.test'],
    ['q.b.a.test', '/', '*.b.a.test'],
    ['other.test', '/only/1', '*.test/only'],
    ['other.test', '/', '*'],
    ['c.test', '/p', 'c.test/p'],
    ['c.test', '/only', '*.test/only'],
    ['c.test', '/', '*'],
    ['nowhere', '/z/1', '*/z'],
    ['', '/', '*'],
    ['[::1]', '/', '*'],
  ];
  for (const [host, target, expected] of cases) {
    it(`${host}${target} is served by ${String(expected)}`, () => {
      assert.equal(table.find(host, target)?.app, expected);
    });
  }

  it('serves nothing it does not list', () => {
    const small = tableOf('a.test/x', '*.b.test');
    assert.equal(small.find('a.test', '/'), undefined);
    assert.equal(small.find('b.test', '/'), undefined);
    assert.equal(small.find('ab.test', '/'), undefined);
    assert.equal(new RouteTable().find('a.test', '/'), undefined);
  });

  it('keeps the first of two apps that claim the same domain', () => {
    const twice = new RouteTable([
      { domain: 'a.test', app: 'first' },
      { domain: 'a.test/', app: 'second' },
    ]);
    assert.equal(twice.find('a.test', '/')?.app, 'first');
  });

  it('does not look up every label of a host that is no DNS name', () => {
    assert.equal(tableOf('*.a').find(`${'x.'.repeat(200)}a`, '/'), undefined);
  });
});
