// What the options of a vassal of uWSGI come to: keys of ours, notes, variables, and errors where nobody knows them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainLines } from '../../emperor/config/uwsgi/explain.ts';
import { optionTable } from '../../emperor/config/uwsgi/option-table.ts';
import { problemsOf, readVassal, type Surroundings } from '../harness/uwsgi-sources.ts';

const head = '[uwsgi]\ncommand = ./serve\n';

async function value(lines: string, surroundings: Surroundings = {}): Promise<Readonly<Record<string, unknown>>> {
  const read = await readVassal(`${head}${lines}`, surroundings);
  assert.deepEqual(problemsOf(read), []);
  return Object.fromEntries(Object.entries(read.parsed.value).filter(([key]) => key !== 'command'));
}

async function problem(lines: string, surroundings: Surroundings = {}): Promise<string> {
  const { problems } = await readVassal(`${head}${lines}`, surroundings);
  return problems
    .map(({ line, column, message, hint }) => `${line ?? '-'}:${column ?? '-'} ${message} (${hint ?? ''})`)
    .join('\n');
}

describe('the table of options', () => {
  it('has each name once, and says of each what becomes of it', () => {
    assert.ok(optionTable.size > 1100, `${optionTable.size} options`);
    for (const [name, use] of optionTable) {
      assert.match(name, /^[A-Za-z0-9_-]+$/);
      if (use.use !== 'ours') assert.match(use.what, /^\S.*[^.\s]$/, name);
    }
  });
});

describe('an option that we have', () => {
  const cases: readonly [lines: string, expected: Readonly<Record<string, unknown>>][] = [
    ['processes = 4', { processes: 4 }],
    ['workers = %(%k * 2)', { processes: 8 }],
    ['processes = 2\nworkers = 3', { processes: 3 }],
    ['processes = many', { processes: 'many' }],
    ['chdir = %d../app', { chdir: '/vassals/../app' }],
    ['env = A=1\nenv = B=x=y\nenv = A=2', { env: { A: '2', B: 'x=y' } }],
    ['worker-reload-mercy = 20\nreload-mercy = 5', { 'drain-timeout': 20, 'stop-timeout': 5 }],
    ['limit-post = 1048576', { 'limit-post': 1_048_576 }],
    ['x-domains = a.com b.com,*.c.com', { domains: ['a.com', 'b.com', '*.c.com'] }],
    ['set-ph = x-domains=a.com', { domains: ['a.com'] }],
    ['subscribe-to = 127.0.0.1:4040:a.com', { domains: ['a.com'] }],
    [
      'subscribe-to = /run/r.sock:a.com,SHA1:/k.pem\nsubscribe2 = server=1.2.3.4:1,key=b.com:80',
      { domains: ['a.com', 'b.com'] },
    ],
    ['subscribe-to = /run/r.sock:no.com\nx-domains = a.com', { domains: ['a.com'] }],
    ['set = processes=3', { processes: 3 }],
  ];
  for (const [lines, expected] of cases) {
    it(`${lines.replaceAll('\n', ', ')} is ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await value(lines), expected);
    });
  }

  it('of our own name is read like one of uWSGI', async () => {
    assert.deepEqual(
      await value('health-check = /up\nqueue-timeout = 5\nready-timeout = 2m\nenv-file = a\nenv-file = b'),
      {
        'health-check': '/up',
        'queue-timeout': 5,
        'ready-timeout': '2m',
        'env-file': ['a', 'b'],
      },
    );
  });

  const refused: readonly [lines: string, told: RegExp][] = [
    ['env = NAME', /^3:7 env: expected NAME=value, got NAME/],
    ['processes =', /^3:1 processes: expected a value, got nothing/],
    ['subscribe-to = a.com', /^3:16 subscribe-to: expected address:name, got a\.com/],
    ['subscribe2 = server=/r.sock', /subscribe2: expected key=name in it/],
    ['subscribe-to = /r.sock:@names', /lists of names in files are not read/],
    ['chdir = /srv/%(project)', /^3:9 chdir: %\(project\) refers to nothing/],
    ['env = HOME=$(NOBODY)', /^3:7 env: the emperor's environment has no variable NOBODY/],
    ['chdir = /srv/%y', /^3:9 chdir: %y is no magic variable/],
    ['base = /srv/%t\nchdir = %(base)', /^4:9 chdir: %t cannot be used/],
    ['set-ph = processes=3', /^3:10 set-ph: processes is an option, and cannot be a variable/],
    ['set-ph = x', /expected name=value, got x/],
  ];
  for (const [lines, told] of refused) {
    it(`${lines.replaceAll('\n', ', ')} is refused at its place`, async () => {
      assert.match(await problem(lines), told);
    });
  }
});

describe('an option that does nothing here', () => {
  it('is a note where something is missing or done in another way, and none where it needs nothing', async () => {
    const { notes, problems } = await readVassal(`${head}master = true\nsocket = :3031\nharakiri = 30\nvacuum`);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      notes.map(({ line, column, option, kind }) => [line, column, option, kind]),
      [
        [4, 1, 'socket', 'elsewhere'],
        [5, 1, 'harakiri', 'missing'],
      ],
    );
    assert.match(notes[1]?.message ?? '', /^harakiri: not supported yet/);
  });

  it('may have a value that cannot be filled in', async () => {
    assert.deepEqual(
      await value('log-format = %(addr) [%(ltime)] $(NOBODY)\nlogto = /var/log/%t.log\nlog-date = %Y'),
      {},
    );
  });

  it('is one note in a loop, and names its place in an included file', async () => {
    const files = { '/vassals/a.ini': '[uwsgi]\nfor = 1 2 3\nmule = %(_)\nendfor' };
    const { notes } = await readVassal(`${head}include = a.ini`, { files });
    assert.equal(notes.length, 1);
    assert.match(notes[0]?.message ?? '', /^mule: .* \(\/vassals\/a\.ini:3\)$/);
    assert.equal(notes[0]?.line, 3);
  });
});

describe("a key of the user's own", () => {
  it('is a variable where something refers to it', async () => {
    const lines =
      'project = shop\nport = 80\nflag = 1\nchdir = /srv/%(project)\nenv = P=%(port + 1)\nif-opt = flag=1\nendif';
    assert.deepEqual(await value(lines), { chdir: '/srv/shop', env: { P: '81' } });
  });

  it('is a variable where it says so, or begins with x-', async () => {
    assert.deepEqual(await value('set-placeholder = owner=me\nx-owner = me'), {});
  });

  it('that nothing refers to is refused, with what was perhaps meant', async () => {
    assert.match(
      await problem('proceses = 4'),
      /^3:1 "proceses" is no option of uWSGI or of ours.*did you mean processes\?/,
    );
    assert.match(await problem('helth-check = /up'), /did you mean health-check\?/);
    assert.match(await problem('zzyzx = 4'), /a variable is one that %\(zzyzx\) refers to, or starts with x-/);
  });

  it('in an included file may be for others, unless it looks like an option', async () => {
    const files = { '/vassals/a.ini': '[uwsgi]\npy_minor = 11', '/vassals/b.ini': '[uwsgi]\nhrakiri = 3' };
    assert.deepEqual(await value('include = a.ini', { files }), {});
    assert.match(await problem('include = b.ini', { files }), /b\.ini:2: "hrakiri".*did you mean harakiri\?/);
  });
});

describe('a vassal', () => {
  it('that does not say what its app is, is refused', async () => {
    const told = problemsOf(await readVassal('[uwsgi]\nprocesses = 2')).join();
    assert.match(told, /^- expected an option that says what the app is, such as .*command/);
  });

  it('whose app we cannot run names the option', async () => {
    const told = problemsOf(await readVassal('[uwsgi]\nrack = config.ru')).join();
    assert.match(
      told,
      /^2:1 expected an option that says what the app is.*, got rack, which is not supported yet: Ruby/,
    );
  });

  it("that is the file of uWSGI's Emperor says so", async () => {
    const told = problemsOf(await readVassal('[uwsgi]\nmaster = 1\nemperor = /etc/uwsgi/vassals')).join();
    assert.match(told, /^3:1 this is the file of uWSGI's Emperor, and of no app/);
  });

  it('that asks for another user is refused to an emperor that is root, while nobody would obey', async () => {
    const text = `${head}uid = www-data`;
    if (optionTable.get('uid')?.use !== 'ours') return;
    const asRoot = await readVassal(text, { uid: 0 });
    const sets = Object.hasOwn(asRoot.parsed.value, 'uid');
    assert.equal(problemsOf(asRoot).length, sets ? 0 : 1);
    if (!sets) assert.match(problemsOf(asRoot)[0] ?? '', /^3:7 uid: .* would run as root/);
    assert.deepEqual(problemsOf(await readVassal(text)), []);
    assert.deepEqual(problemsOf(await readVassal(`${head}uid = root`, { uid: 0 })), []);
  });
});

describe('an explanation', () => {
  it('has every line that was read, in order, with what becomes of it', async () => {
    const files = { '/vassals/a.ini': '[uwsgi]\nprocesses = 3' };
    const text = `${head}project = shop\nmaster = 1\nprocesses = 2\nfor = A B\nenv = %(_)=%(project)\nendfor\ninclude = a.ini\nif-env = X\ncron = 1\nendif\nsocket = :1\nmule = x\nnonsens = 1\n[more]`;
    const lines = explainLines(await readVassal(text, { files }));
    assert.deepEqual(
      lines.map(({ file, line, option, value: shown, use, key }) => [file.slice(9), line, option, shown, use, key]),
      [
        ['shop.ini', 2, 'command', './serve', 'ours', 'command'],
        ['shop.ini', 3, 'project', 'shop', 'variable', null],
        ['shop.ini', 4, 'master', '1', 'harmless', null],
        ['shop.ini', 5, 'processes', '2', 'ours', null],
        ['shop.ini', 6, 'for', 'A B', 'reading', null],
        ['shop.ini', 7, 'env', 'A=shop', 'ours', 'env'],
        ['shop.ini', 8, 'endfor', '', 'reading', null],
        ['shop.ini', 9, 'include', 'a.ini', 'reading', null],
        ['a.ini', 2, 'processes', '3', 'ours', 'processes'],
        ['shop.ini', 10, 'if-env', 'X', 'reading', null],
        ['shop.ini', 11, 'cron', '1', 'skipped', null],
        ['shop.ini', 12, 'endif', '', 'reading', null],
        ['shop.ini', 13, 'socket', ':1', 'elsewhere', null],
        ['shop.ini', 14, 'mule', 'x', 'missing', null],
        ['shop.ini', 15, 'nonsens', '1', 'problem', null],
        ['shop.ini', 16, '[more]', '', 'skipped', null],
      ],
    );
    assert.equal(lines[3]?.what, 'another line sets processes');
    assert.match(lines[5]?.what ?? '', /, 2 times$/);
  });
});
