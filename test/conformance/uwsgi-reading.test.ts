// The real uWSGI reads the same files (`--show-config` prints what it made of them), and knows no option that we do not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { optionTable } from '../../emperor/config/uwsgi/option-table.ts';
import { readUwsgi } from '../../emperor/config/uwsgi/read-uwsgi.ts';
import { machine } from '../../emperor/config/uwsgi/sources.ts';
import { tempDir } from '../harness/temp-dir.ts';

const isThere = spawnSync('uwsgi', ['--version']).status === 0;
/** Under CI=true it must be there. */
const skip = process.env['CI'] === 'true' || isThere ? false : 'uWSGI is not installed';

const env = { HOME: '/root', STAGE: 'live', PATH: process.env['PATH'] ?? '' };

/** What uWSGI made of the keys that begin with `x-`, in its order. */
function byUwsgi(directory: string): readonly string[] {
  const { stdout, stderr } = spawnSync('uwsgi', ['--show-config', '--ini', 'v.ini'], {
    cwd: directory,
    env,
    encoding: 'utf8',
    // Node's own pipes are sockets, and uWSGI would serve on one.
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  const config = /;uWSGI instance configuration\n([\s\S]*?)\n;end of configuration/.exec(stdout + stderr)?.[1];
  assert.ok(config !== undefined, stdout + stderr);
  return config.split('\n').filter((line) => line.startsWith('x-'));
}

async function byUs(directory: string, text: string): Promise<readonly string[]> {
  const sources = { ...machine, env: (name: string) => (env as Record<string, string>)[name] };
  const { judged, problems } = await readUwsgi(text, { file: join(directory, 'v.ini'), sources });
  // The files say nothing of an app.
  assert.deepEqual(
    problems.filter(({ message }) => !message.startsWith('expected an option that says')),
    [],
  );
  return judged.outcomes
    .filter(({ statement }) => statement.key.startsWith('x-'))
    .map(({ statement, value }) => `${statement.key} = ${value}`);
}

const plain = fc.constantFrom(
  'a',
  'b c',
  '7',
  '12',
  '/srv/x',
  'q=1',
  '"quoted"',
  'x ; y',
  'x # y',
  'caf\u00e9',
  '[z]',
  '',
);
const magic = fc.constantFrom(
  '%n',
  '%N',
  '%d',
  '%D',
  '%p',
  '%s',
  '%S',
  '%e',
  '%c',
  '%C',
  '%x',
  '%X',
  '%o',
  '%v',
  '%h',
  '%k',
  '%u',
  '%U',
  '%g',
  '%G',
  '%0',
  '%1',
  '%9',
  '100%%',
);
/** Of variables that the head of each file sets. */
const placeholder = fc.constantFrom(
  '%(x-one)',
  '%(x-name)/',
  '%(x-one + 2)',
  '%(x-one + 2 * x-nine)',
  '%(x-nine / 2)',
  '%(x-one ++)',
  '%(x-name x-one)',
  '%(x-nine - 20)',
  '%(x-set)',
  '$(HOME)/x',
);
const piece = fc.oneof(plain, magic, placeholder);
const value = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('').trim());

const opener = fc.constantFrom(
  ...['for = a b c', 'for = %n', 'for-times = 3', 'for-readline = list.txt', 'if-env = HOME', 'if-env = STAGE=test'],
  ...[
    'if-not-env = HOME',
    'if-not-env = STAGE=test',
    'if-exists = list.txt',
    'if-not-exists = list.txt',
    'if-file = /tmp',
  ],
  ...[
    'if-dir = /tmp',
    'if-not-dir = %d',
    'if-opt = x-one=1',
    'if-opt = x-nobody',
    'if-file = %(x-one)',
    'if-reload = 1',
  ],
  ...['if-hostname-match = .', 'if-not-hostname = nobody', 'ifexists = list.txt'],
);
const setting = fc.tuple(fc.constantFrom('x-a', 'x-b', 'x-c'), value).map(([key, text]) => `${key} = ${text}`);
const looped = fc.tuple(
  opener,
  fc.array(fc.constantFrom('x-l = <%(_)>', 'x-m=%(_)%n', 'x-k = %(x-name)', 'include = part.ini'), { maxLength: 3 }),
);
const block = looped.map(([first, lines]) =>
  [first, ...lines, first.startsWith('for') ? 'endfor =' : 'endif'].join('\n'),
);
const including = fc.constantFrom(
  'include = part.ini',
  'ini = part.ini:two',
  'ini = v.ini:own',
  'include = sub/deep.ini',
);
const noise = fc.constantFrom(
  '; x-z = 1',
  '# x-z = 1',
  '',
  '   ',
  '\tx-tab = 1\t',
  'x-bare',
  'x-empty =',
  'x-twice == 2',
);
const lines = fc.array(fc.oneof({ weight: 4, arbitrary: setting }, { weight: 2, arbitrary: block }, including, noise), {
  maxLength: 12,
});

const files: Readonly<Record<string, string>> = {
  'part.ini': '[uwsgi]\nx-part = %n %N %s %S %x %X %c %(x-name)\n[two]\nx-two = %x %X %p\n',
  'sub/deep.ini': '[uwsgi]\nx-deep = %d %D %o %O\ninclude = part.ini\n',
  'list.txt': 'first\nsecond\n',
};
const head = ['[uwsgi]', 'x-one = 1', 'x-nine = 09', 'x-name = shop', 'set-ph = x-set=s'];

describe('a file that uWSGI reads', { skip }, () => {
  it('means the same to us', async (t) => {
    const directory = tempDir(t);
    mkdirSync(join(directory, 'sub'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    await fc.assert(
      fc.asyncProperty(lines, async (content) => {
        const text = [...head, ...content, '[own]', 'x-own = %x %n', '[never]', 'x-never = 1', ''].join('\n');
        writeFileSync(join(directory, 'v.ini'), text);
        assert.deepEqual(await byUs(directory, text), byUwsgi(directory), text);
      }),
      { numRuns: 150 },
    );
  });
});

describe('an option', { skip }, () => {
  it('that uWSGI or a plugin of it lists is in our table', () => {
    const plugins =
      'python3,http,fastrouter,rawrouter,sslrouter,cgi,carbon,cheaper_busyness,rrdtool,symcall,ugreen,zergpool';
    const { stdout, stderr } = spawnSync('uwsgi', ['--plugins', plugins, '--help'], { encoding: 'utf8' });
    const names = [...(stdout + stderr).matchAll(/^ +(?:-.\|)?--(\S+)/gm)].map(([, name = '']) => name);
    assert.ok(names.length > 700, `${names.length} options`);
    assert.deepEqual(
      names.filter((name) => !optionTable.has(name)),
      [],
    );
  });
});
