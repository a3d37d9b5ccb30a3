// An editor that checks a file by the generated JSON Schema says what the validator says. (What it cannot know: files
// that must exist, steps that must grow, one address twice, durations that no timer holds.)
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readVassalText } from '../../emperor/config/vassal-file.ts';
import { accepts } from '../harness/json-schema.ts';
import { packageRoot } from '../harness/paths.ts';
import { tempDir } from '../harness/temp-dir.ts';

const schema = JSON.parse(readFileSync(join(packageRoot, 'configs/vassal.schema.json'), 'utf8')) as Record<
  string,
  unknown
>;

async function isValid(content: object, dir: string): Promise<boolean> {
  const options = { file: join(dir, 'shop.json'), name: 'shop', defaults: {} };
  return (await readVassalText(JSON.stringify(content), options)).ok;
}

const good: readonly object[] = [
  { upstream: [] },
  { upstream: 'unix:/run/legacy.sock' },
  { upstream: 'http://10.0.0.5:3000/' },
  { upstream: 'backend-1.internal:65535' },
  { upstream: { address: 'HTTP://[::1]:80', weight: 1000 } },
  { upstream: ['http://a:1', { address: 'http://b:1' }], 'health-check': { path: '/up', interval: '1s' } },
  { app: 'server.js', rollout: 'all' },
  { app: 'server.js', rollout: 'chain', settle: 0 },
  { app: 'server.js', rollout: { canary: ['0.5%', '12.5 %', 0.5, '0.75', '100%'], pause: '1m' } },
  { app: 'server.js', rollout: { canary: [1] } },
  { app: 'server.js', 'health-check': '/up?x=1' },
  { app: 'server.js', 'x-mine': [{ a: null }] },
  { module: 'shop.wsgi', threads: 4, pythonpath: '.', processes: 2 },
  { module: 'größe.wsgi:app.wrapped' },
  { 'wsgi-file': 'app.py', callable: 'app', python: 'python3.12' },
];

const bad: readonly object[] = [
  {},
  { app: 'server.js', upstream: [] },
  { app: 'server.js', module: 'shop.wsgi' },
  { app: 'server.js', module: 'shop.wsgi', callable: 'app' },
  { module: 'shop.wsgi', 'wsgi-file': 'app.py' },
  { module: 'shop/wsgi.py' },
  { module: 'shop.wsgi:app()' },
  { module: 'shop..wsgi' },
  { module: '' },
  { module: 'shop.wsgi', callable: 'create app' },
  { module: 'shop.wsgi', threads: 0 },
  { module: 'shop.wsgi', node: 'node' },
  { module: 'shop.wsgi', handoff: 'off' },
  { app: 'server.js', callable: 'app' },
  { app: 'server.js', threads: 4 },
  { command: 'python3 app.py', virtualenv: 'venv' },
  { command: 'python3 app.py', home: 'venv' },
  { upstream: [], python: 'python3' },
  { upstream: [], pythonpath: '.' },
  { upstream: null },
  { upstream: 80 },
  { upstream: 'https://a:1' },
  { upstream: 'http://a' },
  { upstream: 'http://:80' },
  { upstream: 'http://a:0' },
  { upstream: 'http://a:65536' },
  { upstream: 'http://a:1/path' },
  { upstream: 'http://user@a:1' },
  { upstream: 'unix:relative' },
  { upstream: 'unix:80' },
  { upstream: 'http://unix:80' },
  { upstream: 'unix:/a\u0000b' },
  { upstream: '/run/x.sock' },
  { upstream: ['http://a:1', 5] },
  { upstream: { weight: 1 } },
  { upstream: { address: 'http://a:1', weight: 0 } },
  { upstream: { address: 'http://a:1', wieght: 1 } },
  { upstream: [], processes: 2 },
  { upstream: [], env: {} },
  { upstream: [], rollout: 'all' },
  { upstream: [], 'stop-signal': 'TERM' },
  { upstream: [], chdir: '.' },
  { app: 'server.js', 'health-check': { path: '/', interval: '1s' } },
  { app: 'server.js', 'health-check': 'up' },
  { app: 'server.js', 'health-check': '/a b' },
  { app: 'server.js', 'health-check': '/a#b' },
  { app: 'server.js', rollout: 'blue-green' },
  { app: 'server.js', rollout: ['5%'] },
  { app: 'server.js', rollout: { canary: [] } },
  { app: 'server.js', rollout: { canary: '5%' } },
  { app: 'server.js', rollout: { canary: ['0%'] } },
  { app: 'server.js', rollout: { canary: ['101%'] } },
  { app: 'server.js', rollout: { canary: [5] } },
  { app: 'server.js', rollout: { canary: [0] } },
  { app: 'server.js', rollout: { pause: '1m' } },
  { app: 'server.js', rollout: { canary: ['5%'], wait: '1m' } },
  { app: 'server.js', settle: 'long' },
  { app: 'server.js', settle: -1 },
];

describe('the JSON Schema and the validator', () => {
  for (const content of good) {
    it(`accept ${JSON.stringify(content)}`, async (t) => {
      const dir = tempDir(t);
      for (const file of ['server.js', 'app.py']) writeFileSync(join(dir, file), '');
      assert.deepEqual([accepts(schema, content), await isValid(content, dir)], [true, true]);
    });
  }

  for (const content of bad) {
    it(`refuse ${JSON.stringify(content)}`, async (t) => {
      const dir = tempDir(t);
      for (const file of ['server.js', 'app.py']) writeFileSync(join(dir, file), '');
      assert.deepEqual([accepts(schema, content), await isValid(content, dir)], [false, false]);
    });
  }

  it('are of one mind about random shares and addresses', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'server.js'), '');
    const pieces = (...of: string[]): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...of), { maxLength: 6 }).map((parts) => parts.join(''));
    const share = fc.oneof(
      pieces('0', '1', '5', '00', '.', '%', ' ', '-', 'e'),
      fc.double({ min: -0.5, max: 1.5, noNaN: true }),
    );
    const address = pieces('http://', 'unix:', '/', 'a', ':', '1', '80', '70000', '-', '.', '@', '?', ' ');
    const content = fc.oneof(
      share.map((one) => ({ app: 'server.js', rollout: { canary: [one] } })),
      address.map((one) => ({ upstream: one })),
    );
    await fc.assert(
      fc.asyncProperty(content, async (one) => {
        assert.equal(accepts(schema, one), await isValid(one, dir), JSON.stringify(one));
      }),
      { numRuns: 2000 },
    );
  });
});
