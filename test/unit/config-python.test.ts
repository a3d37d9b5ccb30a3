// The keys of a Python app: what can stand together, and the paths they name.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { digestOf } from '../../emperor/config/digest.ts';
import { readVassalText, type VassalDefaults } from '../../emperor/config/vassal-file.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { tempDir } from '../harness/temp-dir.ts';

interface World {
  readonly dir: string;
  readonly spec: (text: string, defaults?: VassalDefaults) => Promise<VassalSpec>;
  readonly problems: (text: string, defaults?: VassalDefaults) => Promise<string>;
}

function world(t: TestContext): World {
  const dir = tempDir(t);
  for (const path of ['venv/bin', 'lib', 'empty']) mkdirSync(join(dir, path), { recursive: true });
  for (const file of ['app.py', 'lib/own.py', 'venv/bin/python', 'server.js']) writeFileSync(join(dir, file), '');
  chmodSync(join(dir, 'venv/bin/python'), 0o755);
  const read = (text: string, defaults: VassalDefaults = {}): ReturnType<typeof readVassalText> =>
    readVassalText(text, { file: join(dir, 'shop.yaml'), name: 'shop', defaults });
  return {
    dir,
    spec: async (text, defaults) => {
      const file = await read(text, defaults);
      assert.ok(file.ok, JSON.stringify(file));
      return file.spec;
    },
    problems: async (text, defaults) => {
      const file = await read(text, defaults);
      assert.ok(!file.ok, 'expected problems');
      return file.problems.map(({ line, column, message }) => `${line ?? '-'}:${column ?? ''} ${message}`).join('\n');
    },
  };
}

describe("a Python app's file", () => {
  it('has its paths resolved against chdir', async (t) => {
    const { dir, spec } = world(t);
    const found = await spec('wsgi-file: app.py\nvirtualenv: ./venv\npythonpath: [lib, /usr]\nthreads: 4');
    assert.equal(found['wsgi-file'], join(dir, 'app.py'));
    assert.equal(found.virtualenv, join(dir, 'venv'));
    assert.deepEqual(found.pythonpath, [join(dir, 'lib'), '/usr']);
    assert.equal(found.threads, 4);
  });

  it('may call virtualenv home, and means the same', async (t) => {
    const { spec } = world(t);
    const one = await spec('module: shop\nvirtualenv: venv');
    assert.equal(digestOf(one), digestOf(await spec('module: shop\nhome: venv')));
  });

  it('takes python and threads from the defaults, but no python beside a virtualenv', async (t) => {
    const { spec } = world(t);
    const defaults = { python: '/usr/bin/python3', threads: 3, node: '/gone' };
    const plain = await spec('module: shop', defaults);
    assert.deepEqual([plain.python, plain.threads, plain.node], ['/usr/bin/python3', 3, undefined]);
    assert.equal((await spec('module: shop\nvirtualenv: venv', defaults)).python, undefined);
  });

  for (const [what, text, problem] of [
    ['a missing file', 'wsgi-file: gone.py', /^1:12 wsgi-file: there is no file \/.*\/gone\.py$/],
    ['a missing virtualenv', 'module: a\nvirtualenv: gone', /^2:13 virtualenv: there is no directory \/.*\/gone$/],
    [
      'a home without Python',
      'module: a\nhome: empty',
      /^2:7 home: .*\/empty is no virtual environment: there is no file/,
    ],
    [
      'a missing directory',
      'module: a\npythonpath: [lib, gone]',
      /^2:19 pythonpath: there is no directory \/.*\/gone$/,
    ],
    ['a missing Python', 'module: a\npython: ./gone', /^2:9 python: there is no file \/.*\/gone$/],
    ['two names of one key', 'module: a\nvirtualenv: venv\nhome: venv', /^3:1 expected one of virtualenv and home/],
    ['two Pythons', 'module: a\nvirtualenv: venv\npython: python3', /^3:1 expected one of virtualenv and python/],
    ['two callables', 'module: a:b\ncallable: c', /^2:1 expected one of callable and the name after the colon/],
    [
      'a path for a module',
      'module: a/b.py',
      /^1:9 module: expected a Python module such as shop\.wsgi or .*"a\/b\.py"/,
    ],
    ['a factory', 'module: a:create()', /^1:9 module: expected a Python module/],
    [
      'a key of Node',
      'module: a\nnode-args: --inspect',
      /^2:1 node-args has no meaning with module: it is about Node$/,
    ],
    ['two apps', 'module: a\nwsgi-file: app.py', /^2:1 expected one of module and wsgi-file, got both/],
  ] as const) {
    it(`with ${what} is refused, at the place`, async (t) => {
      assert.match(await world(t).problems(text), problem);
    });
  }
});

describe("another app's file", () => {
  for (const key of [
    'callable: a',
    'virtualenv: venv',
    'home: venv',
    'pythonpath: lib',
    'python: python3',
    'threads: 2',
  ]) {
    it(`with ${key} is refused`, async (t) => {
      const problems = await world(t).problems(`app: server.js\n${key}`);
      assert.match(problems, /^2:1 \w+ has a meaning with module or wsgi-file only$/);
    });
  }

  it('is not touched by defaults for Python', async (t) => {
    const { spec } = world(t);
    const defaults = { python: '/gone', threads: 3 };
    assert.equal(digestOf(await spec('app: server.js', defaults)), digestOf(await spec('app: server.js')));
  });
});
