// Who gets a domain that several files claim.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settleClaims, type Claimant } from '../../emperor/config/domain-claims.ts';

/** `age`: 1 is the oldest. */
function claimant(name: string, age: number, wanted: string | null, held = ''): Claimant {
  const list = (text: string): string[] => text.split(' ').filter((domain) => domain !== '');
  return {
    name,
    file: `/v/${name}.yaml`,
    mtimeMs: age,
    wanted: wanted === null ? null : list(wanted),
    held: list(held),
  };
}

const refused = (...claimants: Claimant[]): Record<string, string> =>
  Object.fromEntries(
    [...settleClaims(claimants)].map(([name, { domain, owner }]) => [name, `${domain} of ${owner.name}`]),
  );

describe('a domain that several files claim', () => {
  it('goes to the older file', () => {
    assert.deepEqual(refused(claimant('a', 2, 'x'), claimant('b', 1, 'x')), { a: 'x of b' });
  });
  it('goes to the first by name where they are of the same age', () => {
    assert.deepEqual(refused(claimant('b', 1, 'x'), claimant('a', 1, 'x')), { b: 'x of a' });
  });
  it('stays with the one that has it, however new its file is', () => {
    assert.deepEqual(refused(claimant('a', 1, 'x'), claimant('b', 9, 'x', 'x')), { a: 'x of b' });
  });
  it('stays with the one whose file is broken now', () => {
    assert.deepEqual(refused(claimant('a', 1, 'x'), claimant('b', 9, null, 'x')), { a: 'x of b' });
  });
  it('is free once its holder lets go of it', () => {
    assert.deepEqual(refused(claimant('a', 1, 'y', 'x'), claimant('b', 2, 'x')), {});
  });
  it('may be swapped by two files in one turn', () => {
    assert.deepEqual(refused(claimant('a', 1, 'y', 'x'), claimant('b', 2, 'x', 'y')), {});
  });
  it('is not lost by one that is refused for another domain', () => {
    // b wants to give up y for x, which a has; it is refused, so it still has y, and c cannot have it.
    assert.deepEqual(refused(claimant('a', 1, 'x', 'x'), claimant('b', 2, 'x', 'y'), claimant('c', 3, 'y')), {
      b: 'x of a',
      c: 'y of b',
    });
  });
  it('goes to the next where the first is refused for another domain', () => {
    assert.deepEqual(refused(claimant('a', 1, 'y', 'y'), claimant('b', 2, 'x y'), claimant('c', 3, 'x')), {
      b: 'y of a',
    });
  });
  it('is claimed once by three: one has it, two are refused', () => {
    assert.deepEqual(refused(claimant('c', 3, 'x'), claimant('a', 1, 'x'), claimant('b', 2, 'x')), {
      b: 'x of a',
      c: 'x of a',
    });
  });
});
