// Domains in one spelling, and what can be no domain.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultDomain, normaliseDomain } from '../../emperor/config/domains.ts';

const good: readonly [written: string, normal: string][] = [
  ['shop.example.com', 'shop.example.com'],
  ['Shop.Example.COM.', 'shop.example.com'],
  ['localhost', 'localhost'],
  ['*', '*'],
  ['*.Example.com', '*.example.com'],
  ['example.com/shop', 'example.com/shop'],
  ['example.com/Shop/', 'example.com/Shop'],
  ['example.com/', 'example.com'],
  ['*/api', '*/api'],
  ['*.example.com/a/b', '*.example.com/a/b'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['BÜCHER.example.', 'xn--bcher-kva.example'],
  ['*.пример.рф', '*.xn--e1afmkfd.xn--p1ai'],
  ['my_app.localhost', 'my_app.localhost'],
  ['127.0.0.1', '127.0.0.1'],
  ['1.2', '1.2'],
  [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ['a.b/caf%C3%A9', 'a.b/caf%C3%A9'],
];

const bad: readonly [written: string, message: RegExp, hint: RegExp][] = [
  ['http://shop.com', /with a scheme/, /write shop\.com$/],
  ['shop.com:8080', /with a port/, /leave :8080 away/],
  ['shop.com:', /with a port/, /leave/],
  ['*:80', /with a port/, /leave :80 away/],
  ['*.a.com:80', /with a port/, /listen/],
  ['_', /expected a host, got "_"/, /"\*"/],
  ['a..b', /empty labels/, /such as/],
  ['.a.b', /empty labels/, /such as/],
  ['a.b..', /empty labels/, /such as/],
  ['.', /expected a host/, /such as/],
  ['/shop', /expected a host/, /such as/],
  ['*.', /expected a host/, /such as/],
  ['*a.com', /\* alone/, /\*\.example\.com/],
  ['a.*.com', /\* alone/, /\*\.example\.com/],
  ['**', /\* alone/, /"\*"/],
  ['~^shop', /letters, digits/, /such as/],
  ['a b', /without spaces/, /list/],
  ['a.com,b.com', /letters, digits/, /such as/],
  ['-a.com', /letters, digits/, /such as/],
  ['a-.com', /letters, digits/, /such as/],
  ['[::1]', /IPv4/, /IPv6/],
  ['::1', /IPv4/, /IPv6/],
  ['[::1]:80', /IPv4/, /IPv6/],
  [`${'a'.repeat(64)}.com`, /at most 63/, /such as/],
  [`${'a.'.repeat(127)}b`, /at most 253/, /such as/],
  ['a.com/x?y', /without \? and #/, /path/],
  ['a.com/../b', /\. and \.\. segments/, /path/],
  ['a.com//b', /empty segments/, /path/],
  ['a.com/*', /as it stands in a request/, /percent/],
  ['a.com/é', /as it stands in a request/, /percent/],
  ['a.com/%zz', /as it stands in a request/, /percent/],
  ['a\u0000b', /without spaces/, /list/],
  ['\u00ad', /domain names allow/, /such as/],
];

describe('a domain', () => {
  for (const [written, normal] of good) {
    it(`${written} is ${normal}, and stays so when read again`, () => {
      assert.deepEqual(normaliseDomain(written), { ok: true, domain: normal });
      assert.deepEqual(normaliseDomain(normal), { ok: true, domain: normal });
    });
  }
  for (const [written, message, hint] of bad) {
    it(`${JSON.stringify(written).slice(0, 40)} is refused with a hint`, () => {
      const result = normaliseDomain(written);
      assert.ok(!result.ok);
      assert.match(result.message, message);
      assert.match(result.hint, hint);
    });
  }

  it('comes from the name of the file where none is written', () => {
    assert.deepEqual(defaultDomain('shop'), { ok: true, domain: 'shop.localhost' });
    assert.deepEqual(defaultDomain('Shop_2'), { ok: true, domain: 'shop_2.localhost' });
    assert.deepEqual(defaultDomain('shop.Example.com'), { ok: true, domain: 'shop.example.com' });
    assert.equal(defaultDomain('shop-').ok, false);
  });
});
