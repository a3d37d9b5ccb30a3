import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadAddon } from '../../native/index.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { packageRoot } from '../harness/paths.ts';
import { startProcess, type TestProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';

const builtAddon = join(packageRoot, 'build/Release/emperor_native.node');

/** A package directory whose built addon has these bytes. */
function withAddonFile(t: TestContext, content: Buffer | string): string {
  const directory = tempDir(t);
  mkdirSync(join(directory, 'build/Release'), { recursive: true });
  writeFileSync(join(directory, 'build/Release/emperor_native.node'), content);
  return directory;
}

/** Runs the install script in a copy of what a package holds, without the addon that is built here. */
function install(t: TestContext, directory: string, env: Readonly<Record<string, string>>): TestProcess {
  cpSync(join(packageRoot, 'native'), join(directory, 'native'), { recursive: true });
  cpSync(join(packageRoot, 'binding.gyp'), join(directory, 'binding.gyp'));
  cpSync(join(packageRoot, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(packageRoot, 'node_modules'), join(directory, 'node_modules'));
  return startProcess(t, process.execPath, [join(directory, 'native/install.mjs')], {
    env: { EMPEROR_NO_NATIVE: undefined, ...env },
  });
}

describe('a machine without the addon', () => {
  it('is told that it was left out on purpose', async (t) => {
    const contract = new URL('../../native/index.js', import.meta.url).href;
    const script = `const { native } = await import('${contract}'); console.log(JSON.stringify(native));`;
    const child = startProcess(t, process.execPath, ['--input-type=module', '--eval', script], {
      env: { EMPEROR_NO_NATIVE: '1' },
    });
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.deepEqual(JSON.parse(child.stdout), { missing: 'left out by EMPEROR_NO_NATIVE=1' });
  });

  it('is told how to build it where it never was built', (t) => {
    const { addon, missing } = loadAddon(tempDir(t));
    assert.equal(addon, undefined);
    assert.match(missing, /^No native build was found for platform=.*; `npm run build:native` builds it$/);
  });

  it('is told what is wrong with a file that is no addon', (t) => {
    for (const content of ['', 'half', Buffer.alloc(100_000, 'x')]) {
      const { addon, missing } = loadAddon(withAddonFile(t, content));
      assert.equal(addon, undefined);
      assert.match(missing, /emperor_native\.node: .*; `npm run build:native` builds it$/);
    }
  });

  it('is told that an addon was built for another kind of machine', { skip: withoutAddon }, (t) => {
    const foreign = readFileSync(builtAddon);
    // e_machine of the ELF header: 8 is MIPS.
    foreign.writeUInt16LE(8, 18);
    const { addon, missing } = loadAddon(withAddonFile(t, foreign));
    assert.equal(addon, undefined);
    assert.match(missing, /emperor_native\.node: /);
  });

  it('is told that an addon was built from other sources', { skip: withoutAddon }, (t) => {
    const older = Buffer.from(readFileSync(builtAddon).toString('latin1').replaceAll('\0reap\0', '\0rope\0'), 'latin1');
    const { addon, missing } = loadAddon(withAddonFile(t, older));
    assert.equal(addon, undefined);
    assert.equal(missing, 'it was built from other sources (no reap); `npm run build:native` builds it');
  });
});

describe('the install script', () => {
  it('lets the install go on without a compiler, says why in one line, and keeps the whole output', async (t) => {
    const directory = tempDir(t);
    const child = install(t, directory, { CXX: '/bin/false', CC: '/bin/false' });
    assert.deepEqual(await child.exit(60_000), { code: 0, signal: null }, child.stderr);
    assert.match(
      child.stdout,
      /^emperor: the native addon could not be built \(.+\); running without it: see `emperor status`\n$/,
    );
    assert.equal(child.stderr, '');
    if (child.stdout.includes('native-install.log')) {
      assert.match(readFileSync(join(directory, 'build/native-install.log'), 'utf8'), /gyp ERR!/);
    }
    assert.equal(loadAddon(directory).addon, undefined);
  });

  it('builds nothing when it is told not to', async (t) => {
    const directory = tempDir(t);
    const child = install(t, directory, { EMPEROR_NO_NATIVE: '1' });
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.equal(child.stdout, 'emperor: the native addon is left out (EMPEROR_NO_NATIVE=1)\n');
    assert.equal(readdirSync(directory).includes('build'), false);
  });
});
