// What `npm run bench -- …` understands, and how long it lets a round be.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOrder } from '../bench/command-line.ts';
import { divide, parseCoreList } from '../bench/core-list.ts';
import { connectionsWithin } from '../bench/descriptors.ts';
import { roundSeconds } from '../bench/speed/settings.ts';

const choice = {
  all: ['keep-alive', 'post', 'deploys'],
  groups: { speed: ['keep-alive', 'post'] },
  peers: ['nginx', 'haproxy'],
};

describe('the command line of the bench', () => {
  it('takes names and groups, each scenario once, in the order of the list', () => {
    assert.deepEqual(parseOrder(['post', 'speed'], choice).names, ['keep-alive', 'post']);
    assert.deepEqual(parseOrder([], choice).names, choice.all);
  });

  it('judges the default transport first, whatever the order in which they are asked for', () => {
    assert.deepEqual(parseOrder([], choice).settings.transports, ['auto']);
    assert.deepEqual(parseOrder(['--transports', 'portable,auto'], choice).settings.transports, ['auto', 'portable']);
  });

  it('refuses what it does not know, and says what there is', () => {
    assert.throws(() => parseOrder(['speedy'], choice), /no scenario speedy; there are: keep-alive, post, deploys/);
    assert.throws(() => parseOrder(['--peers', 'apache'], choice), /no peer apache; there are: nginx, haproxy/);
    assert.throws(() => parseOrder(['--transports', 'udp'], choice), /no transport udp/);
    assert.throws(() => parseOrder(['--rounds', '0'], choice), /--rounds: expected a whole number from 1 on, got 0/);
    assert.throws(() => parseOrder(['--seconds', '1.5'], choice), /--seconds/);
    assert.throws(() => parseOrder(['--fast'], choice), /--fast/);
  });
});

describe('the time of a scenario', () => {
  const settings = { rounds: 5, seconds: undefined, transports: ['auto'], peers: undefined } as const;

  it('is bounded, however many take part', () => {
    for (const contenders of [1, 3, 5, 6]) {
      for (const cases of [1, 2]) {
        const seconds = roundSeconds(settings, contenders, cases);
        assert.ok(seconds >= 1 && seconds <= 4);
        assert.ok(seconds === 1 || seconds * 5 * contenders * cases <= 90, `${seconds} for ${contenders}`);
      }
    }
  });

  it('is what the user says where the user says it', () => {
    assert.equal(roundSeconds({ ...settings, seconds: 30 }, 5, 2), 30);
  });
});

describe('the cores', () => {
  it('are divided: the last for the router alone, all others for load and upstream', () => {
    assert.deepEqual(divide(parseCoreList('0-3')), { router: '3', load: '0,1,2' });
    assert.deepEqual(divide(parseCoreList('1,4-5\n')), { router: '5', load: '1,4' });
  });

  it('are not divided where there is only one, or nobody knows', () => {
    assert.deepEqual(divide(parseCoreList('0')), { router: undefined, load: undefined });
    assert.deepEqual(divide([]), { router: undefined, load: undefined });
  });
});

describe('the idle connections', () => {
  it('are as many as are asked for, or as routers can hold with two descriptors for each', () => {
    assert.equal(connectionsWithin(65_536, 10_000), 10_000);
    assert.equal(connectionsWithin(20_000, 10_000), 9800);
    assert.equal(connectionsWithin(256, 10_000), 1);
  });
});
