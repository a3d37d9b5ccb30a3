import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routerTrouble } from '../../emperor/router-trouble.ts';

const fresh = { isEnding: false, isStale: false };
const stale = { isEnding: false, isStale: true };
const ending = { isEnding: true, isStale: true };
const death = 'ended with exit code 1';

describe('what status says of routers', () => {
  it('routers that are on their way are no trouble', () => {
    assert.equal(routerTrouble([], 2, undefined), undefined);
  });

  it('missing ones are counted, and how the last one died is told', () => {
    assert.equal(
      routerTrouble([fresh, ending], 2, death),
      '1 of 2 routers do not run: the last one ended with exit code 1',
    );
  });

  it('old ones that go on because new ones die are told of', () => {
    assert.equal(
      routerTrouble([fresh, stale], 2, death),
      'routers are not replaced yet: the last new one ended with exit code 1; the old ones go on',
    );
  });

  it('a death is forgotten as soon as enough new ones run', () => {
    assert.equal(routerTrouble([fresh, fresh, stale], 2, death), undefined);
    assert.equal(routerTrouble([fresh, fresh], 2, death), undefined);
  });
});
