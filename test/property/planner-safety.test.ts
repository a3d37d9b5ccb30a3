// Whatever happens in whatever order, the planner's plans keep these sentences. A failing case prints its seed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chooseDeployable } from '../../emperor/facts.ts';
import { deadlineEvent, instanceEvents, transition, type InstanceState } from '../../emperor/lifecycle.ts';
import { PlannerModel } from '../harness/planner-model.ts';

const names = ['a', 'b', 'c'] as const;

/** What can happen to an emperor; each picks its subject among what is there. */
type Step =
  | {
      readonly kind: 'write';
      readonly app: (typeof names)[number];
      readonly digest: string;
      readonly keys: Readonly<Record<string, unknown>>;
    }
  | CommandStep
  | { readonly kind: 'ready' | 'gave-up' | 'exited'; readonly nth: number }
  | WorkersStep
  | { readonly kind: 'acknowledge'; readonly isBusy: boolean }
  | { readonly kind: 'pass'; readonly ms: number };

type CommandStep =
  | { readonly kind: 'touch' | 'remove' | 'stop' | 'pause'; readonly app: (typeof names)[number] }
  | { readonly kind: 'scale'; readonly app: (typeof names)[number]; readonly processes: number };
interface WorkersStep {
  readonly kind: 'workers-ready' | 'crash';
  readonly nth: number;
}

const app = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    app,
    digest: fc.constantFrom('x', 'y', 'z'),
    keys: fc.record({
      rollout: fc.constantFrom('all', 'chain', { canary: ['10%', '50%'], pause: '1s' }),
      processes: fc.integer({ min: 1, max: 3 }),
      settle: fc.constantFrom(0, '10s'),
    }),
  }),
  fc.record({ kind: fc.constantFrom('touch' as const, 'remove' as const, 'stop' as const, 'pause' as const), app }),
  fc.record({ kind: fc.constant('scale' as const), app, processes: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constantFrom('ready' as const, 'ready' as const, 'gave-up' as const, 'exited' as const),
    nth: fc.nat(9),
  }),
  fc.record({ kind: fc.constantFrom('workers-ready' as const, 'crash' as const), nth: fc.nat(9) }),
  fc.record({ kind: fc.constant('acknowledge' as const), isBusy: fc.boolean() }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(10, 1500, 31_000, 70_000) }),
);

function apply(model: PlannerModel, happening: Step): void {
  if (isCommand(happening)) command(model, happening);
  else if (isOfWorkers(happening)) happensToWorkers(model, happening);
  else happens(model, happening);
}

function isCommand(happening: Step): happening is CommandStep {
  return ['touch', 'remove', 'stop', 'pause', 'scale'].includes(happening.kind);
}

function isOfWorkers(happening: Step): happening is WorkersStep {
  return ['workers-ready', 'crash'].includes(happening.kind);
}

function happens(model: PlannerModel, happening: Exclude<Step, CommandStep | WorkersStep>): void {
  switch (happening.kind) {
    case 'write': {
      const order = model.files.get(happening.app)?.target?.order ?? 0;
      model.write(happening.app, happening.digest, { order, keys: happening.keys });
      return;
    }
    case 'ready':
    case 'gave-up':
    case 'exited': {
      const alive = instancesOf(model).filter(({ state }) => state !== 'exited');
      const chosen = alive[happening.nth % Math.max(1, alive.length)];
      if (chosen !== undefined) model.happens(chosen.name, chosen.generation, happening.kind);
      return;
    }
    case 'acknowledge': {
      const draining = instancesOf(model).filter(({ state }) => state === 'draining');
      model.acknowledge(happening.isBusy ? draining.map(({ name, generation }) => `${name}/${generation}/1`) : []);
      return;
    }
    case 'pass':
      model.nowMs += happening.ms;
  }
}

function command(model: PlannerModel, step: CommandStep): void {
  const { app: name } = step;
  const file = model.files.get(name);
  if (file?.target === undefined) return;
  switch (step.kind) {
    case 'remove':
      model.remove(name);
      return;
    case 'touch':
      model.files.set(name, { ...file, isStopped: false, target: { ...file.target, order: file.target.order + 1 } });
      model.app(name).deaths = [];
      return;
    case 'stop':
      model.files.set(name, { ...file, isStopped: true });
      return;
    case 'pause':
      model.files.set(name, { ...file, isPaused: !file.isPaused });
      return;
    case 'scale':
      model.files.set(name, { ...file, processes: step.processes });
  }
}

function happensToWorkers(model: PlannerModel, { kind, nth }: WorkersStep): void {
  const ready = instancesOf(model).filter(({ state }) => state === 'ready');
  const chosen = ready[nth % Math.max(1, ready.length)];
  if (chosen === undefined) return;
  if (kind === 'workers-ready') model.workersReady(chosen.name, chosen.generation);
  else model.instance(chosen.name, chosen.generation).crashes += 1;
}

/** Fewer workers only after nobody gives the others requests. */
function assertMayScale(
  model: PlannerModel,
  {
    app: name,
    generation,
    processes,
  }: { readonly app: string; readonly generation: number; readonly processes: number },
): void {
  const instance = model.instance(name, generation);
  if (processes >= instance.processes) return;
  const isEnding = (key: string): boolean =>
    key.startsWith(`${name}/${generation}/`) && Number(key.split('/')[2]) > processes;
  const route = model.routes.apps.find((one) => one.name === name);
  assert.ok(![...(route?.targets ?? []), ...(route?.next?.targets ?? [])].some(({ key }) => isEnding(key)));
  for (const { appliedVersion, busy } of model.routers) {
    assert.equal(appliedVersion, model.routes.version);
    const isOverdue = model.nowMs >= instance.narrowedAtMs + instance.deployable.spec['drain-timeout'];
    assert.ok(isOverdue || !busy.some(isEnding));
  }
}

interface Named {
  readonly name: string;
  readonly generation: number;
  readonly state: InstanceState;
}

function instancesOf(model: PlannerModel): readonly Named[] {
  return [...model.apps.values()].flatMap(({ name, instances }) =>
    instances.map(({ generation, state }) => ({ name, generation, state })),
  );
}

const count = (model: PlannerModel, wanted: InstanceState): number =>
  [...model.apps.values()].flatMap(({ instances }) => instances).filter(({ state }) => state === wanted).length;

describe('planner: whatever happens', () => {
  it('a plan that was executed leaves nothing to plan', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          model.settle();
          assert.deepEqual(model.plan().actions, []);
        }
      }),
    );
  });

  it('no plan takes away the last ready instance of an app that is wanted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          const wanted = [...model.apps.values()].filter(
            (one) =>
              chooseDeployable(model.desired(), one) !== undefined &&
              one.instances.some(({ state }) => state === 'ready'),
          );
          model.settle();
          for (const { name } of wanted) {
            const states = Object.values(model.states(name));
            assert.ok(
              states.includes('ready'),
              `${name} after ${JSON.stringify(happening)}: ${JSON.stringify(states)}`,
            );
            if (model.files.get(name)?.isPaused === true) continue;
            const route = model.routes.apps.find((one) => one.name === name);
            assert.notEqual(route?.targets.length, 0, `${name} is routed`);
          }
        }
      }),
    );
  });

  it('never do more generations start at a time than deploys-at-once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, deploysAtOnce) => {
        const model = new PlannerModel();
        model.deploysAtOnce = deploysAtOnce;
        for (const happening of steps) {
          apply(model, happening);
          for (let { actions } = model.plan(); actions.length > 0; { actions } = model.plan()) {
            for (const action of actions) {
              model.execute(action);
              assert.ok(count(model, 'starting') <= deploysAtOnce);
            }
          }
        }
      }),
    );
  });

  it('the table names only workers of ready instances: of the live one, and of at most one that follows it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          model.settle();
          for (const { name, targets, next } of model.routes.apps) {
            const ready = (model.apps.get(name)?.instances ?? []).filter(({ state }) => state === 'ready');
            const workers = new Set(ready.flatMap((instance) => instance.workers.map(({ key }) => key)));
            const generationsOf = (keys: readonly { readonly key: string }[]): ReadonlySet<string> =>
              new Set(keys.map(({ key }) => key.split('/')[1] ?? ''));
            for (const { key } of [...targets, ...(next?.targets ?? [])]) assert.ok(workers.has(key), key);
            const live = generationsOf(targets);
            assert.ok(live.size <= 1);
            if (next === null) continue;
            assert.ok(next.share > 0 && next.share < 1);
            for (const generation of generationsOf(next.targets)) {
              assert.ok(
                [...live].every((one) => Number(one) < Number(generation)),
                'only a newer one is tried',
              );
            }
          }
        }
      }),
    );
  });

  it('no worker is ended while a table names it, a router lacks the newest table, or requests run on it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          for (let { actions } = model.plan(); actions.length > 0; { actions } = model.plan()) {
            for (const action of actions) {
              if (action.type === 'scale') assertMayScale(model, action);
              model.execute(action);
            }
          }
        }
      }),
    );
  });

  it('left alone, everything that is not ready ends or waits for an armed time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          model.settle();
          const moving = [...model.apps.values()]
            .flatMap(({ instances }) => instances)
            .filter(({ state }) => state !== 'ready');
          const { wakeAtMs } = model.plan();
          if (moving.length > 0) assert.ok(wakeAtMs !== undefined && wakeAtMs > model.nowMs);
        }
      }),
    );
  });
});

describe('lifecycle: whatever happens', () => {
  it('every sequence of events ends in exited, rests in ready, or waits for an armed time', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...instanceEvents), { maxLength: 30 }), (events) => {
        let state = 'starting' as InstanceState;
        for (const event of events) {
          const row = transition(state, event);
          if (typeof row === 'object') state = row.to;
        }
        assert.ok(['exited', 'ready'].includes(state) || deadlineEvent[state] !== null);
      }),
    );
  });
});
