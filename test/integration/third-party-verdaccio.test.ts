// A complete application, unmodified: verdaccio, the npm registry, started by its own bin. The real npm publishes a
// package to it and installs it again, all through the router.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEmperor } from '../harness/emperor-process.ts';
import { Npm } from '../harness/npm.ts';
import { packageRoot } from '../harness/paths.ts';
import { Site } from '../harness/site.ts';
import { tempDir } from '../harness/temp-dir.ts';

const bin = join(packageRoot, 'node_modules/verdaccio/bin/verdaccio');

interface Manifest {
  readonly 'dist-tags': Readonly<Record<string, string>>;
  readonly versions: Readonly<
    Record<string, { readonly dist: { readonly tarball: string; readonly integrity: string } }>
  >;
}

/** A registry without uplinks in `dir`: what it does not hold does not exist, and nobody else is asked. */
function writeRegistry(dir: string): void {
  mkdirSync(join(dir, 'verdaccio'), { recursive: true });
  writeFileSync(
    join(dir, 'verdaccio/config.yaml'),
    `storage: ./storage
auth:
  htpasswd:
    file: ./htpasswd
    max_users: 10
uplinks: {}
packages:
  '@*/*': { access: $all, publish: $authenticated }
  '**': { access: $all, publish: $authenticated }
log: { type: stdout, format: json, level: http }
`,
  );
}

/** A package of text, an executable and bytes that no compression shrinks. */
function writePackage(dir: string, version: string): void {
  mkdirSync(dir, { recursive: true });
  const manifest = { name: 'tea-pot', version, license: 'MIT', bin: './pour.js', main: './index.js' };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(dir, 'index.js'), `module.exports = 'short and stout ${version}';\n`);
  writeFileSync(join(dir, 'pour.js'), "#!/usr/bin/env node\nconsole.log(require('./index.js'));\n");
  writeFileSync(join(dir, 'leaves.bin'), randomBytes(2_000_000));
}

async function logIn(site: Site): Promise<string> {
  const user = { name: 'ada', password: 'lovelace-1815', email: 'ada@example.com', type: 'user' };
  const answer = await site.ask('/-/user/org.couchdb.user:ada', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ _id: 'org.couchdb.user:ada', ...user, roles: [], date: '2026-01-01T00:00:00.000Z' }),
  });
  assert.equal(answer.status, 201, answer.bytes.toString());
  return (JSON.parse(answer.bytes.toString()) as { token: string }).token;
}

const starts = {
  'by its bin as `app`': (dir: string) => `app: ${bin}\nenv: {XDG_CONFIG_HOME: ${dir}}\n`,
  'by its bin as `command`': (dir: string) =>
    `command: exec ${process.execPath} ${bin} --config ${dir}/verdaccio/config.yaml --listen 127.0.0.1:$PORT\n`,
};

for (const [how, vassal] of Object.entries(starts)) {
  test(`npm publishes to verdaccio and installs from it, started ${how}`, async (t) => {
    const base = tempDir(t);
    writeRegistry(base);
    // npm builds tarball addresses from the Host it asked for, and Node resolves no *.localhost everywhere.
    const spec = `${vassal(base)}domains: "127.0.0.1"\n`;
    const emperor = await startEmperor(t, { vassals: { 'registry.yaml': spec } });
    await emperor.appIs('registry', 'running', 60_000);
    const site = new Site(t, emperor.port, `127.0.0.1:${emperor.port}`);
    const registry = `http://127.0.0.1:${emperor.port}/`;

    await t.test("its web page and the page's scripts are served", async () => {
      const page = await site.text('/');
      const scripts = [...page.matchAll(/src="http:\/\/127\.0\.0\.1:\d+(\/[^"]+\.js)"/g)].map(
        (match) => match[1] ?? '',
      );
      assert.ok(scripts.length > 0, page.slice(0, 1000));
      for (const script of scripts) assert.ok((await site.text(script)).length > 0);
    });

    const npm = new Npm(join(base, 'home'), registry, await logIn(site));
    const source = join(base, 'tea-pot');

    await t.test('a package that does not exist is a 404 for npm', async () => {
      const viewed = await npm.run(base, 'view', 'no-such-tea');
      assert.notEqual(viewed.code, 0);
      assert.match(viewed.stderr, /E404/);
    });

    await t.test('npm publishes, and the tarball comes back byte for byte', async () => {
      writePackage(source, '1.0.0');
      const packed = await npm.run(source, 'pack');
      assert.equal(packed.code, 0, packed.stderr);
      const tarball = readFileSync(join(source, 'tea-pot-1.0.0.tgz'));
      const published = await npm.run(source, 'publish', 'tea-pot-1.0.0.tgz');
      assert.equal(published.code, 0, published.stderr);
      const manifest = (await site.json('/tea-pot')) as Manifest;
      const url = new URL(manifest.versions['1.0.0']?.dist.tarball ?? '');
      assert.equal(url.origin, `http://127.0.0.1:${emperor.port}`);
      const { bytes } = await site.ask(url.pathname);
      assert.ok(bytes.equals(tarball), `${bytes.length} bytes instead of ${tarball.length}`);
    });

    await t.test('publishing the same version again, or without a login, is refused', async () => {
      const again = await npm.run(source, 'publish', 'tea-pot-1.0.0.tgz');
      assert.notEqual(again.code, 0);
      const stranger = new Npm(join(base, 'stranger'), registry, 'not-a-token');
      writePackage(join(base, 'other'), '3.0.0');
      const refused = await stranger.run(join(base, 'other'), 'publish');
      assert.match(refused.stderr, /E401|E403/);
    });

    await t.test('npm installs it, and it runs', async () => {
      const project = join(base, 'project');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{"name":"kitchen","version":"1.0.0"}');
      const installed = await npm.run(project, 'install', 'tea-pot');
      assert.equal(installed.code, 0, installed.stderr);
      const leaves = readFileSync(join(project, 'node_modules/tea-pot/leaves.bin'));
      assert.ok(leaves.equals(readFileSync(join(source, 'leaves.bin'))));
      const poured = await npm.run(project, 'exec', '--offline', '--', 'tea-pot');
      assert.equal(poured.stdout.trim(), 'short and stout 1.0.0', poured.stderr);
    });

    await t.test('after a deploy the registry has what it had, and takes the next version', async () => {
      const reloaded = await emperor.command('reload', 'registry');
      assert.equal(reloaded.code, 0, reloaded.stderr);
      await emperor.generationIs('registry', 2);
      writePackage(source, '1.1.0');
      const published = await npm.run(source, 'publish');
      assert.equal(published.code, 0, published.stderr);
      const manifest = (await site.json('/tea-pot')) as Manifest;
      assert.deepEqual(Object.keys(manifest.versions), ['1.0.0', '1.1.0']);
      assert.equal(manifest['dist-tags']['latest'], '1.1.0');
    });
  });
}
