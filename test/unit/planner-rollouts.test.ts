import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildRoutes } from '../../emperor/routes.ts';
import type { GenerationStats } from '../../lib/app-stats.ts';
import { latencies } from '../harness/latencies.ts';
import { PlannerModel } from '../harness/planner-model.ts';

/** An emperor whose app `shop` serves generation 1 of content `a`, proven. */
function serving(keys: Readonly<Record<string, unknown>>): PlannerModel {
  const model = new PlannerModel();
  model.write('shop', 'a', { keys });
  model.settle();
  becomeReady(model, 1);
  assert.deepEqual(model.states('shop'), { 1: 'ready' });
  return model;
}

/** Writes content `b`, and lets its generation become ready. */
function deploy(model: PlannerModel, keys: Readonly<Record<string, unknown>>): void {
  model.write('shop', 'b', { keys });
  model.settle();
  becomeReady(model, 2);
}

function becomeReady(model: PlannerModel, generation: number): void {
  model.happens('shop', generation, 'ready');
  acknowledge(model);
}

function acknowledge(model: PlannerModel, busy: readonly string[] = []): void {
  model.settle();
  model.acknowledge(busy);
  model.settle();
}

function routed(model: PlannerModel): { targets: string[]; next: string[]; share: number | undefined } {
  const [route] = model.routes.apps;
  const keys = (targets: readonly { readonly key: string }[] = []): string[] => targets.map(({ key }) => key);
  return { targets: keys(route?.targets), next: keys(route?.next?.targets), share: route?.next?.share };
}

/** What a router counted of one generation: requests, errors, and all answers within one bucket. */
function counted(generation: number, requests: number, errors: number, ms = 5): GenerationStats {
  return { instance: `shop/${generation}`, requests, errors, latency: latencies(requests, ms) };
}

describe('planner: probation', () => {
  const keys = { settle: '10s' };

  it('the predecessor is kept until the new generation has stood its probation, then stopped', () => {
    const model = serving(keys);
    deploy(model, keys);
    assert.deepEqual(model.states('shop'), { 1: 'draining', 2: 'ready' });
    assert.deepEqual(routed(model).targets, ['shop/2/1']);
    model.nowMs += 9_999;
    model.settle();
    assert.equal(model.states('shop')[1], 'draining');
    assert.equal(model.plan().wakeAtMs, 10_000);
    model.nowMs += 1;
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'stopping', 2: 'ready' });
    assert.equal(model.app('shop').proven?.digest, 'b');
  });

  it('a primary that dies on probation is refused, and the draining predecessor serves again at once', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.happens('shop', 2, 'exited');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready' });
    assert.deepEqual(routed(model).targets, ['shop/1/1']);
    model.nowMs += 600_000;
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready' }, 'and it is not tried again');
  });

  it('workers that crash twice on probation turn it back; once does not', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.instance('shop', 2).crashes = 1;
    model.settle();
    assert.deepEqual(routed(model).targets, ['shop/2/1']);
    model.instance('shop', 2).crashes = 2;
    model.settle();
    assert.deepEqual(routed(model).targets, ['shop/1/1']);
    assert.deepEqual(model.states('shop'), { 1: 'ready', 2: 'draining' });
  });

  it('a reload that is turned back brings the process of before back, not another start of the same', () => {
    const model = serving(keys);
    model.write('shop', 'a', { order: 1, keys });
    model.settle();
    becomeReady(model, 2);
    model.happens('shop', 2, 'exited');
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready' });
  });

  it('without a predecessor left, what was proven is started again while the refused one serves', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.happens('shop', 1, 'exited');
    model.settle();
    model.instance('shop', 2).crashes = 2;
    model.settle();
    assert.deepEqual(model.states('shop'), { 2: 'ready', 3: 'starting' });
    assert.deepEqual(routed(model).targets, ['shop/2/1']);
    becomeReady(model, 3);
    assert.deepEqual(routed(model).targets, ['shop/3/1']);
    assert.equal(model.instance('shop', 3).deployable.digest, 'a');
  });

  it('an edit that restores what was before is a new generation like any other', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.write('shop', 'a', { keys });
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'draining', 2: 'ready', 3: 'starting' });
  });
});

describe('planner: pause and scale', () => {
  it('a paused app keeps its workers, and its requests are held', () => {
    const model = serving({});
    model.write('shop', 'a', { isPaused: true });
    model.settle();
    assert.deepEqual(model.states('shop'), { 1: 'ready' });
    assert.deepEqual(routed(model).targets, []);
    assert.equal(model.routes.apps[0]?.hold, true);
    model.write('shop', 'a');
    model.settle();
    assert.deepEqual(routed(model).targets, ['shop/1/1']);
  });

  it('more workers are told at once; they are routed as they become ready', () => {
    const model = serving({ processes: 1 });
    model.write('shop', 'a', { keys: { processes: 1 }, processes: 3 });
    model.settle();
    assert.equal(model.instance('shop', 1).processes, 3);
    assert.deepEqual(routed(model).targets, ['shop/1/1']);
    model.workersReady('shop', 1);
    model.settle();
    assert.deepEqual(routed(model).targets, ['shop/1/1', 'shop/1/2', 'shop/1/3']);
  });

  it('fewer workers: out of the tables first, ended only when no router holds a request for them', () => {
    const model = serving({ processes: 3 });
    model.write('shop', 'a', { keys: { processes: 3 }, processes: 1 });
    model.settle();
    assert.deepEqual(routed(model).targets, ['shop/1/1']);
    assert.equal(model.instance('shop', 1).processes, 3);
    model.acknowledge(['shop/1/3']);
    model.settle();
    assert.equal(model.instance('shop', 1).processes, 3, 'a request runs');
    model.acknowledge();
    model.settle();
    assert.equal(model.instance('shop', 1).processes, 1);
  });

  it('an edit ends what was said of the number of workers for its own generation only: the live one keeps them', () => {
    const model = serving({ processes: 1 });
    model.write('shop', 'a', { keys: { processes: 1 }, processes: 3 });
    model.settle();
    model.workersReady('shop', 1);
    model.settle();
    model.write('shop', 'b', { keys: { processes: 2 } });
    model.settle();
    assert.equal(model.instance('shop', 2).processes, 2);
    const three = ['shop/1/1', 'shop/1/2', 'shop/1/3'];
    assert.deepEqual(routed(model).targets, three);
    model.happens('shop', 2, 'exited');
    model.settle();
    assert.deepEqual(routed(model).targets, three, 'nor does it when the edit comes to nothing');
    assert.equal(model.instance('shop', 1).processes, 3);
  });

  it('a request that never ends keeps a superfluous worker no longer than drain-timeout', () => {
    const model = serving({ processes: 2 });
    model.write('shop', 'a', { keys: { processes: 2 }, processes: 1 });
    model.settle();
    model.acknowledge(['shop/1/2']);
    model.settle();
    assert.equal(model.plan().wakeAtMs, 30_000);
    model.nowMs = 30_000;
    model.settle();
    assert.equal(model.instance('shop', 1).processes, 1);
  });
});

describe('planner: a chain', () => {
  const keys = { processes: 2, rollout: 'chain' };

  it('starts one worker, retires an old one, starts the next: never more than one above the full number', () => {
    const model = serving(keys);
    deploy(model, keys);
    assert.deepEqual(routed(model), { targets: ['shop/1/1'], next: ['shop/2/1'], share: 0.5 });
    // The old worker is drained by now, so the next one was asked for.
    assert.equal(model.instance('shop', 1).processes, 1);
    assert.equal(model.instance('shop', 2).processes, 2);
    model.workersReady('shop', 2);
    acknowledge(model);
    assert.deepEqual(routed(model), { targets: ['shop/2/1', 'shop/2/2'], next: [], share: undefined });
    assert.equal(model.states('shop')[1], 'stopping');
  });

  it('waits for the old worker to be drained before it starts the next one', () => {
    const model = serving(keys);
    model.write('shop', 'b', { keys });
    model.settle();
    model.happens('shop', 2, 'ready');
    acknowledge(model, ['shop/1/2']);
    assert.equal(model.instance('shop', 1).processes, 2);
    assert.equal(model.instance('shop', 2).processes, 1);
  });

  it('waits for the process of the old worker to be gone before it starts the next one', () => {
    const model = serving(keys);
    model.write('shop', 'b', { keys });
    model.settle();
    model.happens('shop', 2, 'ready');
    model.settle();
    model.acknowledge();
    for (let { actions } = model.plan(); actions.length > 0; { actions } = model.plan()) {
      for (const action of actions) model.execute(action);
      model.instance('shop', 1).running = 2;
    }
    assert.deepEqual([model.instance('shop', 1).processes, model.instance('shop', 2).processes], [1, 1]);
    model.instance('shop', 1).running = 1;
    model.settle();
    assert.equal(model.instance('shop', 2).processes, 2);
  });

  it('whose new workers crash twice goes back to all the old ones', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.instance('shop', 2).crashes = 2;
    model.settle();
    assert.equal(model.instance('shop', 1).processes, 2);
    model.workersReady('shop', 1);
    model.settle();
    assert.deepEqual(routed(model), { targets: ['shop/1/1', 'shop/1/2'], next: [], share: undefined });
    assert.equal(model.states('shop')[2], 'draining');
  });

  it('gives no client back where the next emperor adopts it and has not narrowed the old generation yet', () => {
    const model = serving(keys);
    deploy(model, keys);
    // What the old primary still runs is all that an adopting emperor knows of it.
    const adopted = model.instance('shop', 1);
    adopted.processes = adopted.keep = adopted.running = 2;
    adopted.workers = [1, 2].map((id) => ({
      id,
      key: `shop/1/${id}`,
      address: `unix:/${id}`,
      weight: 1,
      handoff: null,
      protocol: 'http',
      capacity: null,
    }));
    const [first] = buildRoutes(model.desired(), model.actual().apps, model.nowMs);
    assert.equal(first?.next?.share, 0.5);
  });

  it('of a first start begins with all workers', () => {
    assert.equal(serving(keys).instance('shop', 1).processes, 2);
  });
});

describe('planner: a canary', () => {
  const keys = { rollout: { canary: ['5%', '25%', '100%'], pause: '10s' } };

  it('gets growing shares with a pause after each, then everything', () => {
    const model = serving(keys);
    deploy(model, keys);
    assert.deepEqual(routed(model), { targets: ['shop/1/1'], next: ['shop/2/1'], share: 0.05 });
    assert.equal(model.plan().wakeAtMs, 10_000);
    model.nowMs = 10_000;
    acknowledge(model);
    assert.equal(routed(model).share, 0.25);
    model.nowMs = 20_000;
    acknowledge(model);
    assert.deepEqual(routed(model), { targets: ['shop/2/1'], next: [], share: undefined });
    assert.equal(model.states('shop')[1], 'stopping');
  });

  it('with more errors than the old generation is turned back at once, with the figures', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.app('shop').figures = [counted(1, 950, 1), counted(2, 50, 6)];
    const refusal = model.plan().actions.find(({ type }) => type === 'refuse');
    assert.equal(
      refusal?.reason,
      'turned back at 5% of the clients: more errors: 12.0% errors (6 of 50), median 5 ms, against 0.1% errors (1 of 950), median 5 ms of the old generation',
    );
    model.settle();
    assert.deepEqual(routed(model), { targets: ['shop/1/1'], next: [], share: undefined });
    assert.equal(model.states('shop')[2], 'draining');
  });

  it('that answers much slower than the old generation is turned back', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.app('shop').figures = [counted(1, 950, 0, 5), counted(2, 51, 0, 200)];
    assert.match(
      model.plan().actions.find(({ type }) => type === 'refuse')?.reason ?? '',
      /slower: median 200 ms, against 5 ms of the old generation \(51 and 950 answers\)/,
    );
  });

  it('with as many errors as the old generation goes on', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.app('shop').figures = [counted(1, 950, 95), counted(2, 50, 6)];
    model.settle();
    assert.equal(routed(model).share, 0.05);
  });

  it('is no way back: what was proven takes over at once', () => {
    const model = serving(keys);
    deploy(model, keys);
    model.app('shop').figures = [counted(1, 950, 1), counted(2, 50, 6)];
    model.settle();
    model.happens('shop', 1, 'exited');
    model.settle();
    becomeReady(model, 3);
    assert.deepEqual(routed(model).targets, ['shop/3/1']);
  });
});
