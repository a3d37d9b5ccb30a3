// emperor.yaml: the same machinery, other keys.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { defaultEmperorConfig, readEmperorFile, readEmperorText } from '../../emperor/config/emperor-file.ts';
import { asUnprivileged } from '../harness/config-directory.ts';
import { tempDir } from '../harness/temp-dir.ts';

const cases: readonly [what: string, text: string, problem: RegExp][] = [
  ['an unknown key', 'lisen: 80', /^1:1 unknown key "lisen" \(did you mean listen\?\)/],
  [
    'an unknown key in a map',
    'router:\n  proceses: 2',
    /^2:3 unknown key "proceses" in router \(did you mean processes\?\)/,
  ],
  ['a key of apps', 'processes: 2', /^1:1 .*put it under defaults/],
  ["a key of an app's own file", 'app: x', /^1:1 .*belongs in an app's own file/],
  ['a default that names the app', 'defaults: {app: x}', /^1:12 unknown key "app" in defaults/],
  ['a bad default', 'defaults:\n  queue-timeout: soon', /^2:18 defaults\.queue-timeout: expected a duration/],
  ['a bad address', 'listen: host', /^1:9 listen: .*is not an address/],
  ['a bad address in a list', 'listen: [80, "x:y"]', /^1:14 "x:y" is not an address/],
  ['a port too high', 'listen: 70000', /a port is at most 65535/],
  ['an address twice', 'listen: [":80", ":80"]', /^1:17 listen: :80 stands here for the second time/],
  ['no address', 'listen: []', /expected at least one address/],
  [
    'an open admin address',
    'admin: 0.0.0.0:9000',
    /^1:8 admin: expected a loopback address or a unix socket, got 0\.0\.0\.0:9000 \(write 127\.0\.0\.1:9000/,
  ],
  ['an admin port on every address', 'admin: 9000', /^1:8 admin: expected a loopback/],
  [
    'a trusted proxy that is none',
    'trusted-proxies: [10.0.0.0/8, proxy]',
    /^1:31 trusted-proxies: expected an address or a network, got "proxy"/,
  ],
  ['a network too long', 'trusted-proxies: 10.0.0.0/33', /^1:18 trusted-proxies/],
  ['a log level that is none', 'log: {level: loud}', /^1:14 log\.level: expected trace, debug/],
  ['a yes', 'log: {access: yes}', /^1:15 log\.access: expected true or false, got "yes" \(write true\)/],
  [
    'a transport that is none',
    'router: {transport: quick}',
    /^1:21 router\.transport: expected auto, reactor or portable, got "quick"/,
  ],
  ['a rescan without pause', 'rescan: 0', /^1:9 rescan: expected at least 100ms/],
  [
    'a missing env file',
    'defaults: {env-file: [gone.env]}',
    /^1:23 defaults\.env-file: there is no file \/.*gone\.env/,
  ],
  ['a list at the top', '- a', /^1:1 expected keys and values/],
];

describe('an emperor.yaml with', () => {
  for (const [what, text, pattern] of cases) {
    it(`${what} is refused, at the place`, async (t) => {
      const result = await readEmperorText(text, join(tempDir(t), 'emperor.yaml'));
      assert.equal(result.state, 'invalid');
      const [problem, ...others] = result.problems;
      assert.deepEqual(others, []);
      assert.ok(problem);
      assert.match(
        `${problem.line ?? '-'}:${problem.column ?? '-'} ${problem.message} (${problem.hint ?? ''})`,
        pattern,
      );
    });
  }
});

describe('emperor.yaml', () => {
  it('may be empty or only comments, and then all is default', async () => {
    for (const text of ['', '\n', '# nothing\n', '# a\n\n  # b']) {
      const result = await readEmperorText(text, '/etc/emperor.yaml');
      assert.ok(result.state === 'valid');
      assert.deepEqual(result.config, defaultEmperorConfig());
      assert.deepEqual(result.config.listen, [':8080']);
    }
  });

  it('gives defaults that hold only what it sets, with paths relative to it', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, '.env'), '');
    const text =
      'run-dir: run\ndefaults:\n  processes: 2\n  env-file: .env\nx-mine: 1\ntrusted-proxies: [unix, "::1", 10.0.0.0/8]\nadmin: "[::1]:9000"';
    const result = await readEmperorText(text, join(dir, 'emperor.yaml'));
    assert.ok(result.state === 'valid', JSON.stringify(result));
    assert.deepEqual(result.config.defaults, { processes: 2, 'env-file': [join(dir, '.env')] });
    assert.equal(result.config['run-dir'], join(dir, 'run'));
    assert.equal(result.config.admin, '[::1]:9000');
  });

  it('that is missing means all defaults, unless the user named it', async (t) => {
    const file = join(tempDir(t), 'emperor.yaml');
    assert.deepEqual(await readEmperorFile(file, false), {
      state: 'valid',
      config: defaultEmperorConfig(),
      file: undefined,
    });
    const named = await readEmperorFile(file, true);
    assert.ok(named.state === 'invalid');
    assert.match(named.problems[0]?.message ?? '', /there is no such file/);
  });

  it('is read from its file, and refused where it cannot be', async (t) => {
    const dir = tempDir(t);
    const file = join(dir, 'emperor.yaml');
    writeFileSync(file, 'listen: 80');
    const result = await readEmperorFile(file, true);
    assert.ok(result.state === 'valid');
    assert.equal(result.file, file);
    assert.deepEqual(result.config.listen, ['80']);
    const directory = await readEmperorFile(dir, true);
    assert.ok(directory.state === 'invalid');
    assert.match(directory.problems[0]?.message ?? '', /expected a regular file, got a directory/);
  });

  it('that may not be read says so', async (t) => {
    const dir = tempDir(t);
    const file = join(dir, 'emperor.yaml');
    writeFileSync(file, '');
    chmodSync(file, 0);
    await asUnprivileged(dir, async () => {
      const result = await readEmperorFile(file, false);
      assert.ok(result.state === 'invalid');
      assert.match(result.problems[0]?.message ?? '', /permission denied/);
    });
  });
});
