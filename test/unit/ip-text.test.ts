import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpv4, formatIpv6 } from '../../router/transports/ip-text.ts';

/** 16 bytes, written as 8 groups. */
function bytesOf(groups: string): Buffer {
  return Buffer.from(
    groups
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}

describe('the text of an address', () => {
  it('is dotted for IPv4, also where the number is negative as a signed one', () => {
    assert.equal(formatIpv4(0x7f000001), '127.0.0.1');
    assert.equal(formatIpv4(0xc0000207 | 0), '192.0.2.7');
    assert.equal(formatIpv4(-1), '255.255.255.255');
    for (let i = 0; i < 3000; i++) assert.equal(formatIpv4(i), `0.0.${i >>> 8}.${i & 255}`);
  });

  it('is canonical for IPv6 (RFC 5952)', () => {
    const texts = {
      '0:0:0:0:0:0:0:0': '::',
      '0:0:0:0:0:0:0:1': '::1',
      '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      'fe80:0:0:0:abcd:ef01:2345:6789': 'fe80::abcd:ef01:2345:6789',
      '1:2:3:4:5:6:7:0': '1:2:3:4:5:6:7:0',
      '1:2:3:4:5:6:0:0': '1:2:3:4:5:6::',
      '0:0:3:4:5:6:7:8': '::3:4:5:6:7:8',
    };
    for (const [groups, text] of Object.entries(texts)) {
      assert.equal(formatIpv6(Buffer.concat([Buffer.alloc(5), bytesOf(groups)]), 5), text);
    }
  });
});
