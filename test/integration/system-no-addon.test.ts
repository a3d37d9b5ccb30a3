// A machine without a C++ compiler: everything is served all the same, and status names what is missing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startEmperor } from '../harness/emperor-process.ts';
import { noNativeVariable } from '../../native/index.ts';

const server = `module.exports = (request, response) => { response.end('generation ' + process.env.EMPEROR_GENERATION); };`;

describe('without the addon', () => {
  it('apps are served, edited and redeployed, and status says in words what goes without', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': server, 'shop.yaml': 'app: ./server.cjs\nprocesses: 2\n' },
      config: 'router:\n  processes: 2\n',
      env: { [noNativeVariable]: '1' },
    });
    await emperor.appIs('shop', 'running');
    const first = await emperor.ask({ host: 'shop.localhost' });
    assert.equal(first.body, 'generation 1');
    emperor.write('shop.yaml', 'app: ./server.cjs\nprocesses: 1\n');
    await emperor.generationIs('shop', 2);
    const second = await emperor.ask({ host: 'shop.localhost' });
    assert.equal(second.body, 'generation 2');
    const { stdout } = await emperor.command('status');
    assert.match(stdout, new RegExp(`addon|${noNativeVariable}`));
    assert.match(stdout, /one router/);
  });
});
