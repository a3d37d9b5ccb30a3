import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlannerModel } from '../harness/planner-model.ts';

/** An emperor whose app `shop` serves generation 1 of content `a`, known to every router. */
function serving(): PlannerModel {
  const model = new PlannerModel();
  model.write('shop', 'a');
  model.settle();
  model.happens('shop', 1, 'ready');
  model.settle();
  model.acknowledge();
  model.settle();
  assert.deepEqual(model.states('shop'), { 1: 'ready' });
  return model;
}

const routed = (model: PlannerModel, name = 'shop'): (string | undefined)[] =>
  model.routes.apps.filter((app) => app.name === name).flatMap(({ targets }) => targets.map(({ key }) => key));

describe('planner: deploys', () => {
  it('a new file is started, held for while it starts, and routed when ready', () => {
    const model = new PlannerModel();
    model.write('shop', 'a');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'starting' });
    assert.equal(model.routes.apps[0]?.hold, true);
    model.happens('shop', 1, 'ready');
    model.settle();
    assert.deepEqual(routed(model), ['shop/1/1']);
  });

  it('an empty directory is published too', () => {
    const model = new PlannerModel();
    model.settle();
    assert.deepEqual(model.routes, { version: 1, apps: [] });
  });

  it('an edit starts a new generation and keeps the old one routed until the new one is ready', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready', 2: 'starting' });
    assert.deepEqual(routed(model), ['shop/1/1']);
    model.happens('shop', 2, 'ready');
    model.settle();
    assert.deepEqual(routed(model), ['shop/2/1']);
    assert.deepEqual(model.states('shop'), { 1: 'draining', 2: 'ready' });
  });

  it('the old generation is stopped only when every router has swapped and none is busy with it', () => {
    const model = serving();
    model.routers = [
      { id: 1, appliedVersion: model.routes.version, busy: [], isEnding: false },
      { id: 2, appliedVersion: model.routes.version, busy: [], isEnding: false },
    ];
    model.write('shop', 'b');
    model.settle();
    model.happens('shop', 2, 'ready');
    model.settle();
    const [first, second] = model.routers;
    assert.ok(first !== undefined && second !== undefined);
    model.routers = [{ ...first, appliedVersion: model.routes.version }, second];
    model.settle();
    assert.equal(model.states('shop')[1], 'draining', 'one router has not swapped');
    model.acknowledge(['shop/1/1']);
    model.settle();
    assert.equal(model.states('shop')[1], 'draining', 'a router is busy');
    model.acknowledge();
    model.settle();
    assert.equal(model.states('shop')[1], 'stopping');
  });

  it('a drain that takes too long ends at its deadline', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.happens('shop', 2, 'ready');
    model.settle();
    model.acknowledge(['shop/1/1']);
    model.settle();
    const wakeAtMs = model.plan().wakeAtMs;
    assert.equal(wakeAtMs, model.nowMs + 30_000);
    model.nowMs = wakeAtMs;
    model.settle();
    assert.equal(model.states('shop')[1], 'stopping');
  });

  it('what does not stop is killed, again and again', () => {
    const model = serving();
    model.remove('shop');
    model.settle();
    model.acknowledge();
    model.settle();
    for (let count = 0; count < 2; count += 1) {
      model.nowMs = model.plan().wakeAtMs ?? 0;
      assert.deepEqual(
        model.settle().map(({ type }) => type),
        ['kill'],
      );
    }
  });

  it('a second edit supersedes a generation that is starting', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.write('shop', 'c');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready', 2: 'stopping', 3: 'starting' });
  });

  it('an edit that is taken back deploys nothing and gives up what was starting', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.write('shop', 'a');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready', 2: 'stopping' });
  });

  it('a touch or reload starts a new generation of the same content', () => {
    const model = serving();
    model.write('shop', 'a', { order: 1 });
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready', 2: 'starting' });
  });

  it('a replacement that fails leaves the old generation and is not tried again', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.happens('shop', 2, 'exited');
    model.settle();
    model.nowMs += 600_000;
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready' });
  });

  it('after a failed replacement a touch tries again', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.happens('shop', 2, 'exited');
    model.settle();
    model.write('shop', 'b', { order: 1 });
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready', 3: 'starting' });
  });

  it('a crash while a failed replacement is on file brings the proven content back', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    model.happens('shop', 2, 'exited');
    model.settle();
    model.happens('shop', 1, 'exited');
    model.settle();
    assert.equal(model.app('shop').instances[0]?.deployable.digest, 'a');
  });

  it('a live instance that crashed is replaced at once and requests are held', () => {
    const model = serving();
    model.happens('shop', 1, 'exited');
    model.settle();
    assert.deepEqual(model.states('shop'), { 2: 'starting' });
    assert.equal(model.routes.apps[0]?.hold, true);
  });

  it('a generation that is not ready in time is a failure, and what follows obeys the back-off', () => {
    const model = new PlannerModel();
    model.write('shop', 'a');
    model.settle();
    model.nowMs = model.plan().wakeAtMs ?? 0;
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'stopping' });
  });

  it('an app that keeps crashing waits, and requests are answered at once with the reason', () => {
    const model = new PlannerModel();
    model.write('shop', 'a');
    for (let generation = 1; generation <= 4; generation += 1) {
      model.settle();
      model.happens('shop', generation, 'exited');
      model.settle();
      const wakeAtMs = model.plan().wakeAtMs;
      assert.ok(wakeAtMs !== undefined && wakeAtMs > model.nowMs);
      if (generation < 4) model.nowMs = wakeAtMs;
    }
    assert.equal(model.routes.apps[0]?.hold, false);
    assert.equal(model.routes.apps[0].reason, 'it died');
  });
});

describe('planner: removal and stop', () => {
  it('a removed file is un-routed first, then drained, stopped and forgotten', () => {
    const model = serving();
    model.remove('shop');
    model.settle();
    assert.deepEqual(routed(model), []);
    assert.deepEqual(model.states('shop'), { 1: 'draining' });
    model.acknowledge();
    model.settle();
    model.happens('shop', 1, 'exited');
    const done = model.settle().map(({ type }) => type);
    assert.deepEqual(done, ['forget', 'forget-app']);
    assert.equal(model.apps.size, 0);
  });

  it('a stopped app stays in the table, so that its host is answered with the reason', () => {
    const model = serving();
    model.write('shop', 'a', { isStopped: true });
    model.settle();
    assert.equal(model.routes.apps[0]?.reason, 'stopped by the operator');
    assert.deepEqual(model.states('shop'), { 1: 'draining' });
  });

  it('while the directory could not be read nothing that runs is touched', () => {
    const model = serving();
    model.isComplete = false;
    model.files.clear();
    assert.deepEqual(model.settle(), []);
  });

  it('the end of the emperor un-routes and ends everything', () => {
    const model = serving();
    model.isEnding = true;
    model.settle();
    model.acknowledge();
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'stopping' });
  });
});

describe('planner: limits', () => {
  it('no more generations start at a time than deploys-at-once, those with waiting requests first', () => {
    const model = new PlannerModel();
    for (const name of ['a', 'b', 'c', 'd']) model.write(name, 'x');
    model.app('d').queued = 3;
    const started = model.settle().flatMap((action) => (action.type === 'start' ? [action.app] : []));
    assert.deepEqual(started, ['d', 'a']);
    model.happens('d', 1, 'ready');
    const next = model.settle().flatMap((action) => (action.type === 'start' ? [action.app] : []));
    assert.deepEqual(next, ['b']);
  });

  it('a storm of edits does not pile up old generations without end', () => {
    const model = serving();
    for (let edit = 0; edit < 50; edit += 1) {
      model.write('shop', `edit ${edit}`);
      model.settle();
    }
    assert.ok(Object.keys(model.states('shop')).length <= 10, JSON.stringify(model.states('shop')));
    for (const [generation, state] of Object.entries(model.states('shop'))) {
      if (state === 'stopping') model.happens('shop', Number(generation), 'exited');
    }
    model.settle();
    const newest = model.app('shop').instances.at(-1);
    assert.equal(newest?.deployable.digest, 'edit 49');
  });

  it('a domain that moves between two apps is claimed once at every moment', () => {
    const model = new PlannerModel();
    model.write('a', '1', { domains: ['x.test', 'a.test'] });
    model.write('b', '1', { domains: ['b.test'] });
    model.settle();
    model.happens('a', 1, 'ready');
    model.happens('b', 1, 'ready');
    model.settle();
    model.write('a', '2', { domains: ['a.test'] });
    model.write('b', '2', { domains: ['b.test', 'x.test'] });
    model.settle();
    const claims = (): (string | undefined)[] =>
      model.routes.apps.filter(({ domains }) => domains.includes('x.test')).map(({ name }) => name);
    assert.deepEqual(claims(), ['a'], 'the old owner serves until the new one can');
    model.happens('b', 2, 'ready');
    model.settle();
    assert.deepEqual(claims(), ['b']);
  });
});
