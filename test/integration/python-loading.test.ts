// How a Python app is found and loaded, and what is told where that cannot be.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import { appSocket } from '../../lib/run-dir.ts';
import { askGateway } from '../harness/gateway-client.ts';
import { fixtureApp } from '../harness/paths.ts';
import type { Scope } from '../harness/scope.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal, type VassalProcess } from '../harness/vassal-process.ts';

const fixture = 'wsgi-loading';
const directory = fixtureApp(fixture);

async function serve(t: Scope, keys: Readonly<Record<string, unknown>>): Promise<VassalProcess> {
  const vassal = await startVassal(t, { fixture, keys });
  await vassal.ready();
  return vassal;
}

async function bodyOf(vassal: VassalProcess): Promise<string> {
  const { status, body } = await askGateway(vassal.socket(), {});
  assert.equal(status, 200);
  return body;
}

/** What the app says of how it was loaded. */
async function toldBy(vassal: VassalProcess): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await bodyOf(vassal)) as Record<string, unknown>;
}

describe('the worker of Python apps', () => {
  it('is written in the Python that it asks for, and its entry in one that older ones read', () => {
    const runtime = dirname(entryPoints.pythonWorker);
    const parse = `import ast, sys\nfor path in sys.argv[2:]: ast.parse(open(path).read(), feature_version=(3, int(sys.argv[1])))`;
    const modules = readdirSync(join(runtime, 'emperor_worker')).filter((name) => name.endsWith('.py'));
    assert.ok(modules.length > 5);
    const paths = modules.map((name) => join(runtime, 'emperor_worker', name));
    execFileSync('python3', ['-c', parse, '9', ...paths]);
    execFileSync('python3', ['-c', parse, '4', entryPoints.pythonWorker]);
  });
});

describe('a Python app', () => {
  it('named by its module is imported; nothing of the worker is in its way', async (t) => {
    const vassal = await serve(t, { module: 'shop.wsgi', pythonpath: ['lib', '/srv/elsewhere'] });
    const told = await toldBy(vassal);
    assert.equal(told['name'], 'shop.wsgi');
    assert.deepEqual(told['argv'], ['shop.wsgi']);
    assert.equal(told['cwd'], directory);
    assert.deepEqual((told['path'] as string[]).slice(0, 3), [directory, join(directory, 'lib'), '/srv/elsewhere']);
    assert.equal(
      (told['path'] as string[]).some((path) => path.includes('runtimes/python')),
      false,
    );
    assert.deepEqual(told['ours'], []);
    assert.deepEqual(told['environment'], []);
    assert.deepEqual(told['descriptors'], []);
  });

  for (const keys of [
    { module: 'shop.wsgi:holder.application' },
    { module: 'shop.wsgi', callable: 'holder.application' },
    { 'wsgi-file': 'shop/wsgi.py', callable: 'holder.application' },
  ]) {
    it(`may be an attribute: ${JSON.stringify(keys)}`, async (t) => {
      await toldBy(await serve(t, keys));
    });
  }

  it('named by its file is the module that others import by its name', async (t) => {
    const vassal = await serve(t, { 'wsgi-file': 'named.py', callable: 'app' });
    assert.equal(await bodyOf(vassal), 'named, the same: True');
  });

  it('may be a file of any name', async (t) => {
    assert.equal(await bodyOf(await serve(t, { 'wsgi-file': 'json.wsgi' })), 'wsgi_file_json');
  });

  it('is looked for in pythonpath', async (t) => {
    assert.equal(await bodyOf(await serve(t, { module: 'from_lib', pythonpath: 'lib' })), 'from lib');
  });

  it('runs by the Python of its virtual environment', async (t) => {
    const virtualenv = join(tempDir(t), 'venv');
    execFileSync('python3', ['-m', 'venv', '--without-pip', virtualenv]);
    const told = await toldBy(await serve(t, { module: 'shop.wsgi', virtualenv }));
    assert.equal(told['prefix'], virtualenv);
  });

  it('serves without the addon, on sockets that it binds itself, and binds again after a crash', async (t) => {
    const vassal = await startVassal(t, { fixture, keys: { module: 'shop.wsgi' }, env: { EMPEROR_NO_NATIVE: '1' } });
    await vassal.ready();
    await toldBy(vassal);
    process.kill(vassal.pid(), 'SIGKILL');
    await vassal.until('the respawn', ({ workers }) => workers[0]?.restarts === 1 && workers[0].state === 'ready');
    await toldBy(vassal);
    assert.equal((await askGateway(appSocket(vassal.dir), {})).status, 200);
  });
});

describe('a Python app that cannot be loaded', () => {
  for (const [what, keys, message, logged] of [
    ['has no such module', { module: 'gone.wsgi' }, "ModuleNotFoundError: No module named 'gone'", 'Traceback'],
    [
      'imports what is not installed',
      { module: 'needs_more' },
      "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
      'needs_more.py", line 1',
    ],
    [
      'has a syntax error',
      { 'wsgi-file': 'broken_syntax.py' },
      `SyntaxError: '(' was never closed (${directory}/broken_syntax.py, line 1)`,
      'broken_syntax.py", line 1',
    ],
    ['raises', { module: 'raises' }, 'RuntimeError: no database', 'to be found'],
    ['ends itself', { module: 'leaves' }, 'SystemExit: not today: it ended itself while it was loaded', 'not today'],
    ['has no callable', { module: 'shop' }, "shop has no callable 'application'", 'no callable'],
    [
      'calls it otherwise',
      { 'wsgi-file': 'named.py' },
      "named.py has no callable 'application' (it has 'app': set callable: app)",
      'set callable',
    ],
    ['is text', { module: 'shop.wsgi:text' }, "'text' in shop.wsgi is no callable: it is a str", 'no callable'],
  ] as const) {
    it(`(it ${what}) fails with the reason, and the log has the rest`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys });
      const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
      assert.equal(failure?.kind, 'cannot-load');
      assert.equal(failure.message, `worker 1: the app could not be loaded: ${message}`);
      assert.deepEqual(await vassal.process.exit(), { code: 4, signal: null });
      await vassal.logged(logged);
    });
  }

  it('(its virtualenv has no Python) names the path', async (t) => {
    const virtualenv = tempDir(t);
    const vassal = await startVassal(t, { fixture, keys: { module: 'shop.wsgi', virtualenv } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.equal(failure?.kind, 'cannot-load');
    assert.match(failure.message, new RegExp(`there is no Python that can be run at ${virtualenv}/bin/python`));
  });

  for (const [what, python, why] of [
    ['a Python that is not there', '/gone/python3', /there is no Python that can be run at \/gone\/python3/],
    ['a Python that no directory of PATH has', 'python3.1', /python3\.1 is in no directory of PATH \(/],
  ] as const) {
    it(`(${what}) names it`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys: { module: 'shop.wsgi', python } });
      const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
      assert.match(failure?.message ?? '', why);
    });
  }

  it('(its Python is too old) is told the version that is needed', async (t) => {
    // The real interpreter, which takes itself for an older one.
    const bin = join(tempDir(t), 'bin');
    mkdirSync(bin);
    const python = join(bin, 'python3');
    const pretend =
      'import sys; sys.version_info = (3, 6, 9); sys.argv = sys.argv[1:]; import runpy; runpy.run_path(sys.argv[0], run_name="__main__")';
    writeFileSync(python, `#!/bin/sh\nexec /usr/bin/env python3 -c '${pretend}' "$@"\n`);
    chmodSync(python, 0o755);
    const vassal = await startVassal(t, { fixture, keys: { module: 'shop.wsgi', python } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.match(failure?.message ?? '', /Python 3\.6 \(\/.*\) is too old: 3\.9 or newer is needed$/);
  });
});
