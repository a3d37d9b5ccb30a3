import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planRouters, type RouterView } from '../../emperor/router-plan.ts';

const router = (id: number, view: Partial<RouterView> = {}): RouterView => ({
  id,
  age: id,
  isEnding: false,
  isStale: false,
  isServing: true,
  ...view,
});

describe('which routers start and end', () => {
  it('what is missing starts; what ends already does not count', () => {
    assert.deepEqual(planRouters([], 2), { start: 2, end: [] });
    assert.deepEqual(planRouters([router(1), router(2, { isEnding: true })], 2), { start: 1, end: [] });
    assert.deepEqual(planRouters([router(1), router(2)], 2), { start: 0, end: [] });
  });

  it('an old one ends only when as many new ones as wanted serve', () => {
    const old = [router(1, { isStale: true }), router(2, { isStale: true })];
    assert.deepEqual(planRouters(old, 2), { start: 2, end: [] });
    const half = [...old, router(3), router(4, { isServing: false })];
    assert.deepEqual(planRouters(half, 2), { start: 0, end: [] });
    assert.deepEqual(planRouters([...old, router(3), router(4)], 2), { start: 0, end: [1, 2] });
  });

  it('of those that are too many, one that does not serve yet goes first, then the oldest', () => {
    const three = [router(1, { age: 9 }), router(2, { age: 5 }), router(3, { age: 7, isServing: false })];
    assert.deepEqual(planRouters(three, 2), { start: 0, end: [3] });
    assert.deepEqual(planRouters(three, 1), { start: 0, end: [3, 2] });
  });

  const views = fc.array(
    fc.record({ isEnding: fc.boolean(), isStale: fc.boolean(), isServing: fc.boolean(), age: fc.nat(9) }),
    { maxLength: 12 },
  );

  it('no plan ends the last router that serves, and a plan that was followed plans nothing', () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 1, max: 4 }), (list, wanted) => {
        const all = list.map((view, index) => router(index + 1, view));
        const { start, end } = planRouters(all, wanted);
        const left = all.map((one) => (end.includes(one.id) ? { ...one, isEnding: true } : one));
        const serve = (some: readonly RouterView[]): number =>
          some.filter(({ isServing, isEnding }) => isServing && !isEnding).length;
        assert.ok(serve(left) >= Math.min(serve(all), wanted), 'enough go on serving');
        const started = Array.from({ length: start }, (_, index) => router(100 + index, { isServing: false }));
        assert.deepEqual(planRouters([...left, ...started], wanted), { start: 0, end: [] });
      }),
    );
  });
});
