// Whose client connections a route table lets be handed over.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestSpec } from '../../emperor/config/digest.ts';
import { PlannerModel, specOf } from '../harness/planner-model.ts';

function handoffOf(keys: Readonly<Record<string, unknown>>): boolean | undefined {
  const model = new PlannerModel();
  model.write('shop', 'a', { keys });
  model.settle();
  model.happens('shop', 1, 'ready');
  model.settle();
  return model.routes.apps[0]?.handoff;
}

describe('a route allows hand-off', () => {
  for (const [what, keys, expected] of [
    ['of a Node app', {}, true],
    ['of no app that switched it off', { handoff: 'off' }, false],
    ['of no app with a limit of requests at a time, which nobody could keep', { 'max-concurrency': 5 }, false],
    ['of no command', { app: undefined, command: './serve' }, false],
  ] as const) {
    it(what, () => {
      assert.equal(handoffOf(keys), expected);
    });
  }

  it('and a file that does not name it is deployed no second time by a build that knows it', () => {
    const { handoff, ...older } = specOf(['a.test']);
    assert.equal(handoff, 'auto');
    assert.equal(digestSpec({ ...older, handoff }), digestSpec(older as never));
  });
});
