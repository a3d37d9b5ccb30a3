// The verdicts of `npm run bench`: a bar that is said to be met must be met by the figures that stand beside it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Missing } from '../bench/missing.ts';
import { bestPeers, type Bar, type CaseResult, type Row } from '../bench/speed/result.ts';
import { caseLines, overviewCells } from '../bench/speed/table.ts';
import { figureOf, mainVerdictsOf, spreadOf, verdictsOf } from '../bench/speed/verdict.ts';

const cpu: Bar = { key: 'cpu', what: 'CPU per request', limit: { atMost: 0.9 }, against: bestPeers };
const rate: Bar = { key: 'rate', what: 'requests per second', limit: { atLeast: 1.6 }, against: bestPeers };

function row(name: string, samples: readonly (readonly [cpu: number, rate: number])[], faults: string[] = []): Row {
  return {
    name,
    version: `${name} 1.0`,
    isOurs: name.startsWith('Emperor'),
    samples: samples.map(([cpuUs, perSecond]) => ({ cpu: cpuUs, rate: perSecond })),
    faults,
  };
}

function result(rows: readonly (Row | Missing)[], bars: readonly Bar[] = [cpu]): CaseResult {
  const columns = [
    { key: 'rate', heading: 'requests/s', digits: 0 },
    { key: 'cpu', heading: 'CPU µs/request', digits: 1 },
  ];
  return { name: 'keep-alive', load: 'GET; 3 rounds of 1 s each', columns, rows, bars };
}

const ours = row('Emperor, reactor', [
  [9, 60_000],
  [90, 6000],
  [9.2, 59_000],
]);
const nginx = row('nginx', [
  [12, 50_000],
  [11, 52_000],
  [12, 51_000],
]);
const haproxy = row('HAProxy', [
  [11, 40_000],
  [11, 41_000],
  [30, 20_000],
]);

describe('the verdicts of the bench', () => {
  it('compare medians, so that one noisy round decides nothing', () => {
    assert.equal(figureOf(ours, 'cpu'), 9.2);
    assert.equal(spreadOf(nginx, 'cpu'), 1 / 12);
  });

  it('hold ours against the better of nginx and HAProxy, for each bar anew', () => {
    const [byCpu, byRate] = verdictsOf(result([ours, nginx, haproxy], [cpu, rate]));
    assert.equal(byCpu?.best, 'HAProxy');
    assert.equal(byCpu.ratio, 9.2 / 11);
    assert.equal(byCpu.isMet, true);
    assert.equal(byRate?.best, 'nginx');
    assert.equal(byRate.ratio, 59_000 / 51_000);
    assert.equal(byRate.isMet, false);
  });

  it('do not count a peer that is worse or faster for another reason: not one of the bar, missing, or with lost requests', () => {
    const faster = [[1, 1], ...Array.from({ length: 2 }, () => [1, 1] as const)] as const;
    const [verdict] = verdictsOf(
      result([ours, row('Caddy', faster), row('nginx', faster, ['Non-2xx: 7']), { name: 'HAProxy', missing: 'gone' }]),
    );
    assert.equal(verdict?.best, undefined);
    assert.equal(verdict?.isMet, undefined);
  });

  it('say of ours with lost requests that nothing was measured', () => {
    const [verdict] = verdictsOf(result([{ ...ours, faults: ['Non-2xx: 1'] }, nginx]));
    assert.equal(verdict?.isMet, undefined);
  });

  it('say nothing of a difference that came out below zero', () => {
    const [verdict] = verdictsOf(result([row('Emperor', [[-2, 1]]), row('nginx', [[10, 1]])]));
    assert.deepEqual([Number.isNaN(verdict?.ratio), verdict?.isMet], [true, undefined]);
  });

  it('judge the figure that is printed: what rounds to the limit meets it', () => {
    const at = (value: number) => verdictsOf(result([row('Emperor', [[value, 1]]), row('nginx', [[10, 1]])]))[0]?.isMet;
    assert.equal(at(9.04), true);
    assert.equal(at(9.06), false);
  });

  it('take a row of ours as the measure of another one, and never of itself', () => {
    const few = row('Emperor, 10 hosts', [[10, 1]]);
    const many = row('Emperor, 10000 hosts', [[10.4, 1]]);
    const bar: Bar = { ...cpu, limit: { atMost: 1.05 }, against: [few.name] };
    const verdicts = verdictsOf(result([few, many], [bar]));
    assert.deepEqual(
      verdicts.map(({ name, best, isMet }) => [name, best, isMet]),
      [[many.name, few.name, true]],
    );
  });

  it('give the first of ours the word: another transport is told of besides', () => {
    const portable = row('Emperor, portable', [[20, 1]]);
    const main = mainVerdictsOf(result([ours, portable, nginx]));
    assert.deepEqual(
      main.map(({ name }) => name),
      ['Emperor, reactor'],
    );
  });
});

describe('the table of the bench', () => {
  const both = result([ours, nginx, { name: 'Caddy', missing: 'caddy is not installed' }]);

  it('has the ratio of ours to each peer, and says who is missing', () => {
    assert.deepEqual(caseLines(both), [
      'GET; 3 rounds of 1 s each.',
      '',
      '| router           | requests/s | CPU µs/request | spread | CPU per request: Emperor, reactor / it |',
      '| ---------------- | ---------: | -------------: | -----: | -------------------------------------: |',
      '| Emperor, reactor |      59000 |            9.2 |  880 % |                                        |',
      '| nginx            |      51000 |           12.0 |    8 % |                                   0.77 |',
      '',
      '- Emperor, reactor, CPU per request: 0.77 × nginx (bar ≤ 0.9 × the best of nginx and HAProxy): yes',
      '- Caddy: not measured, caddy is not installed',
    ]);
  });

  it('has one line for each bar in the overview', () => {
    assert.deepEqual(overviewCells(both), [['keep-alive', 'CPU per request', '≤ 0.9', '0.77', 'nginx', 'yes']]);
  });

  it('claims nothing where no peer is there', () => {
    assert.deepEqual(overviewCells(result([ours])), [
      ['keep-alive', 'CPU per request', '≤ 0.9', '–', '–', 'not measured'],
    ]);
  });
});
