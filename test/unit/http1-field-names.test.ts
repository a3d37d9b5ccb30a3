import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import {
  endOfName,
  fieldIdCount,
  fieldIds,
  findFieldId,
  longestKnownName,
  nameOfField,
} from '../../router/http1/field-names.ts';

function idOf(name: string): number {
  // Behind and before other bytes, as in a head.
  const bytes = Buffer.from(`\n${name}:`);
  return findFieldId(bytes, 1, bytes.length - 1);
}

describe('the known field names', () => {
  it('have ids without gaps', () => {
    assert.deepEqual(Object.values(fieldIds), [...Array(fieldIdCount).keys()]);
  });

  it('are found whatever their case', () => {
    for (const id of Object.values(fieldIds)) {
      if (id === fieldIds.other) continue;
      const name = nameOfField(id);
      assert.match(name, /^[a-z0-9-]{2,}$/);
      assert.equal(idOf(name), id);
      assert.equal(idOf(name.toUpperCase()), id);
    }
  });

  it('bear the names their keys say', () => {
    assert.equal(nameOfField(fieldIds.contentLength), 'content-length');
    assert.equal(nameOfField(fieldIds.xForwardedFor), 'x-forwarded-for');
    assert.equal(nameOfField(fieldIds.http2Settings), 'http2-settings');
    assert.equal(nameOfField(fieldIds.te), 'te');
  });

  it('are not found in names that merely resemble them', () => {
    for (const name of [
      '',
      'h',
      'hose',
      'hosts',
      'content_length',
      'content-lengt',
      'x-content-length',
      'host\u0000',
    ]) {
      assert.equal(idOf(name), 0, name);
    }
    for (const id of Object.values(fieldIds)) {
      const name = nameOfField(id);
      for (let i = 0; i < name.length; i++) {
        assert.equal(idOf(`${name.slice(0, i)}\u007e${name.slice(i + 1)}`), 0);
      }
    }
  });

  it('are confirmed where they are expected, whatever their case and whatever follows', () => {
    for (const id of Object.values(fieldIds)) {
      if (id === fieldIds.other) continue;
      const name = nameOfField(id);
      for (const spelled of [name, name.toUpperCase()]) assert.equal(endOfExpected(id, spelled), 1 + name.length);
    }
  });

  it('are confirmed by no other byte in any place', () => {
    for (const id of Object.values(fieldIds)) {
      const name = nameOfField(id);
      for (let i = 0; i < name.length; i++) {
        for (let byte = 0; byte < 256; byte++) {
          const char = String.fromCharCode(byte);
          if (char.toLowerCase() === name[i]) continue;
          assert.equal(endOfExpected(id, `${name.slice(0, i)}${char}${name.slice(i + 1)}`), -1, `${name} ${i} ${byte}`);
        }
      }
    }
  });
});

function endOfExpected(id: number, name: string): number {
  const bytes = Buffer.alloc(1 + longestKnownName + 4, 0xff);
  bytes.write(`\n${name}`, 'latin1');
  return endOfName(id, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 1);
}
