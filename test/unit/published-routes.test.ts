import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PublishedRoutes } from '../../emperor/published-routes.ts';

describe('published routes', () => {
  it('a version is above all that any router held, whoever gave it', () => {
    const routes = new PublishedRoutes();
    assert.equal(routes.publish([]).version, 1);
    routes.noteHeld(7);
    routes.noteHeld(3);
    assert.equal(routes.publish([]).version, 8);
    assert.equal(routes.current.version, 8);
  });

  it('a table is old to a router that holds a later one', () => {
    const routes = new PublishedRoutes();
    assert.equal(routes.isOlderThan(7), false, 'there is none yet');
    routes.publish([]);
    assert.equal(routes.isOlderThan(7), true);
    assert.equal(routes.isOlderThan(1), false);
  });
});
