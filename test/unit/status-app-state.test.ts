import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deriveAppState, type AppState } from '../../emperor/app-state.ts';
import { PlannerModel } from '../harness/planner-model.ts';

function stateOf(model: PlannerModel, isBroken = false): AppState {
  return deriveAppState(model.desired(), model.app('shop'), isBroken, model.nowMs);
}

function serving(): PlannerModel {
  const model = new PlannerModel();
  model.write('shop', 'a');
  model.settle();
  model.happens('shop', 1, 'ready');
  model.settle();
  return model;
}

describe('the state of an app', () => {
  it('is deploying until its first generation is ready, then running', () => {
    const model = new PlannerModel();
    model.write('shop', 'a');
    assert.equal(stateOf(model), 'deploying');
    model.settle();
    assert.equal(stateOf(model), 'deploying');
    model.happens('shop', 1, 'ready');
    assert.equal(stateOf(model), 'running');
  });

  it('is degraded where the newest was refused and an older one serves', () => {
    const model = serving();
    model.write('shop', 'b');
    model.settle();
    assert.equal(stateOf(model), 'deploying');
    model.happens('shop', 2, 'exited');
    model.settle();
    assert.equal(stateOf(model), 'degraded');
  });

  it('is degraded while its file is broken and what was proven serves', () => {
    assert.equal(stateOf(serving(), true), 'degraded');
  });

  it('is invalid where the file never was valid and nothing runs', () => {
    const model = new PlannerModel();
    model.files.set('shop', { target: undefined, isStopped: false, isPaused: false, processes: undefined });
    assert.equal(stateOf(model, true), 'invalid');
  });

  it('is backoff between two tries, and failed where the code cannot be loaded', () => {
    const model = new PlannerModel();
    model.write('shop', 'a');
    model.settle();
    model.happens('shop', 1, 'exited');
    model.settle();
    assert.equal(stateOf(model), 'backoff');
    model.app('shop').deaths = model.app('shop').deaths.map((death) => ({ ...death, kind: 'cannot-load' }));
    assert.equal(stateOf(model), 'failed');
  });

  it('is stopped where the operator said so, where the file is gone, and at the end', () => {
    const model = serving();
    model.write('shop', 'a', { isStopped: true });
    assert.equal(stateOf(model), 'stopped');
    model.remove('shop');
    assert.equal(stateOf(model), 'stopped');
    const ending = serving();
    ending.isEnding = true;
    assert.equal(stateOf(ending), 'stopped');
  });

  it('stays running while the directory cannot be read', () => {
    const model = serving();
    model.files.clear();
    model.isComplete = false;
    assert.equal(stateOf(model), 'running');
  });
});
