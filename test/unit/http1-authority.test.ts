import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostOfAuthority } from '../../router/http1/authority.ts';

const valid: readonly (readonly [authority: string, host: string])[] = [
  ['a.test', 'a.test'],
  ['A.Test', 'a.test'],
  ['a.test.', 'a.test'],
  ['a.test.:80', 'a.test'],
  ['a.test:', 'a.test'],
  ['a.test:0', 'a.test'],
  ['a.test:65535', 'a.test'],
  ['a.test:00080', 'a.test'],
  ['a_b.test', 'a_b.test'],
  ['localhost', 'localhost'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['127.0.0.1:8080', '127.0.0.1'],
  ['[::1]', '[::1]'],
  ['[::]:80', '[::]'],
  ['[2001:DB8::1]:443', '[2001:db8::1]'],
  ['[1:2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8]'],
  ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]'],
  ['[1:2:3:4:5:6:192.0.2.1]:', '[1:2:3:4:5:6:192.0.2.1]'],
  ['a'.repeat(255), 'a'.repeat(255)],
];

const invalid: readonly string[] = [
  '',
  '.',
  ':80',
  '.a.test',
  'a..test',
  'a.test..',
  'a b',
  'a.test ',
  'a,b',
  'a.test/x',
  'a.test?x',
  'a.test#x',
  'x@a.test',
  'x:y@a.test',
  'a.test:99999',
  'a.test:65536',
  'a.test:000080',
  'a.test:-1',
  'a.test:80:80',
  'a.test:abc',
  'a%2etest',
  'a\u00e9.test',
  'a\\b',
  '*.test',
  '[::1',
  '::1',
  '[::1]x',
  '[::1]x:80',
  '[::1]]',
  '[]',
  '[:]',
  '[:::]',
  '[1::2::3]',
  '[1:2:3:4:5:6:7]',
  '[1:2:3:4:5:6:7:8:9]',
  '[1:2:3:4:5:6:7::8]',
  '[12345::]',
  '[g::]',
  '[fe80::1%25eth0]',
  '[v1.x]',
  '[::1.2.3]',
  '[::1.2.3.256]',
  '[::01.2.3.4]',
  '[1.2.3.4::]',
  'a'.repeat(256),
];

describe('an authority', () => {
  for (const [authority, host] of valid) {
    it(`${authority.slice(0, 40)} is routed by ${host.slice(0, 40)}`, () => {
      assert.equal(hostOfAuthority(authority), host);
    });
  }

  for (const authority of invalid) {
    it(`${JSON.stringify(authority.slice(0, 40))} is refused`, () => {
      assert.equal(hostOfAuthority(authority), undefined);
    });
  }
});
