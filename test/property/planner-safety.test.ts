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
  | { readonly kind: 'write'; readonly app: (typeof names)[number]; readonly digest: string }
  | { readonly kind: 'touch' | 'remove' | 'stop'; readonly app: (typeof names)[number] }
  | { readonly kind: 'ready' | 'gave-up' | 'exited'; readonly nth: number }
  | { readonly kind: 'acknowledge'; readonly isBusy: boolean }
  | { readonly kind: 'pass'; readonly ms: number };

const app = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), app, digest: fc.constantFrom('x', 'y', 'z') }),
  fc.record({ kind: fc.constantFrom('touch' as const, 'remove' as const, 'stop' as const), app }),
  fc.record({
    kind: fc.constantFrom('ready' as const, 'ready' as const, 'gave-up' as const, 'exited' as const),
    nth: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('acknowledge' as const), isBusy: fc.boolean() }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(10, 1500, 31_000, 70_000) }),
);

function apply(model: PlannerModel, happening: Step): void {
  switch (happening.kind) {
    case 'write':
      model.write(happening.app, happening.digest);
      return;
    case 'touch':
    case 'remove':
    case 'stop':
      command(model, happening);
      return;
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
      model.acknowledge(happening.isBusy ? draining.map(({ name, generation }) => `${name}/${generation}`) : []);
      return;
    }
    case 'pass':
      model.nowMs += happening.ms;
  }
}

function command(
  model: PlannerModel,
  { kind, app: name }: Extract<Step, { readonly kind: 'touch' | 'remove' | 'stop' }>,
): void {
  const target = model.files.get(name)?.target;
  if (target === undefined) return;
  if (kind === 'remove') model.remove(name);
  else if (kind === 'touch') model.write(name, target.digest, { order: target.order + 1 });
  else model.write(name, target.digest, { order: target.order, isStopped: true });
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

  it('the table names only ready instances, and only the newest of each app', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new PlannerModel();
        for (const happening of steps) {
          apply(model, happening);
          model.settle();
          for (const { name, targets } of model.routes.apps) {
            const newest = model.apps.get(name)?.instances.findLast(({ state }) => state === 'ready');
            for (const { key } of targets) assert.equal(key, `${name}/${newest?.generation ?? '?'}/1`);
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
