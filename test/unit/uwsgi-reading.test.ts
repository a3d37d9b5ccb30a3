// How a vassal of uWSGI is read: blocks, includes, sections; what it comes to, and what is refused where.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemsOf, readVassal, type Surroundings } from '../harness/uwsgi-sources.ts';

const head = '[uwsgi]\ncommand = ./serve\n';

/** The variables that a vassal sets: the easiest way to see which lines were read. */
async function env(lines: string, surroundings: Surroundings = {}): Promise<unknown> {
  const read = await readVassal(`${head}${lines}`, surroundings);
  assert.deepEqual(problemsOf(read), []);
  return read.parsed.value['env'] ?? {};
}

async function problems(text: string, surroundings: Surroundings = {}): Promise<string> {
  return problemsOf(await readVassal(text, surroundings)).join('\n');
}

describe('a block', () => {
  it('of for repeats its lines with each item', async () => {
    assert.deepEqual(await env('for = A  B\nenv = %(_)=%(_)%(_)\nendfor =\nenv = C=1'), { A: 'AA', B: 'BB', C: '1' });
  });

  it('of for-times counts, and of for-readline has the lines of a file', async () => {
    assert.deepEqual(await env('for-times = 2\nenv = T%(_)=x\nend-for\n'), { T1: 'x', T2: 'x' });
    const files = { '/vassals/names': 'A\r\nB\n' };
    assert.deepEqual(await env('for-readline = names\nenv = %(_)=1\nendfor', { files }), { A: '1', B: '1' });
  });

  const surroundings = {
    files: { '/vassals/here': '' },
    directories: ['/srv'],
    env: { STAGE: 'live', EMPTY: '' },
  };
  const holding = [
    ['if-env = STAGE', 'live'],
    ['if-env = STAGE=live', 'live'],
    ['ifenv = STAGE', 'live'],
    ['if-env = EMPTY', ''],
    ['if-not-env = STAGE=test', 'live'],
    ['if-exists = here', 'here'],
    ['if-exists = /srv', '/srv'],
    ['if-not-exists = gone', 'gone'],
    ['if-file = %dhere', '/vassals/here'],
    ['if-not-file = /srv', '/srv'],
    ['if-dir = /srv', '/srv'],
    ['if-directory = /srv', '/srv'],
    ['if-opt = command', './serve'],
    ['if-opt = command=./serve', './serve'],
    ['if-hostname = box', 'box'],
    ['if-not-hostname = other', 'other'],
    ['if-hostname-match = ^b', '^b'],
  ] as const;
  for (const [opener, item] of holding) {
    it(`of ${opener} is read, with %(_) as ${JSON.stringify(item)}`, async () => {
      assert.deepEqual(await env(`${opener}\nenv = IN=%(_)\nendif =`, surroundings), { IN: item });
    });
  }

  for (const opener of ['if-not-env = NOBODY', 'if-not-opt = nobody', 'if-not-reload = 1']) {
    it(`of ${opener} is read, and has nothing for %(_)`, async () => {
      assert.deepEqual(await env(`${opener}\nenv = IN=1\nendif`, surroundings), { IN: '1' });
      assert.match(await problems(`${head}${opener}\nenv = IN=%(_)\nendif`, surroundings), /%\(_\) refers to nothing/);
    });
  }

  for (const opener of [
    'if-env = NOBODY',
    'if-env = STAGE=test',
    'if-not-env = STAGE',
    'if-exists = gone',
    'if-file = /srv',
    'if-dir = here',
    'if-opt = nobody',
    'if-hostname = other',
    'if-reload = 1',
    'if-exists = %(command)',
  ]) {
    it(`of ${opener} is left out`, async () => {
      assert.deepEqual(await env(`${opener}\nenv = IN=1\nendif\nenv = OUT=1`, surroundings), { OUT: '1' });
    });
  }

  it('that is never ended goes to the end of its file, as in uWSGI', async () => {
    assert.deepEqual(await env('if-env = NOBODY\nenv = A=1'), {});
  });

  it('within another one, or of a bad pattern or number, is refused', async () => {
    assert.match(
      await problems(`${head}if-env = A\nfor = a b\nendif`, { env: { A: '1' } }),
      /^4:1 for stands within if-env = A, and blocks of uWSGI do not nest/,
    );
    assert.match(
      await problems(`${head}if-hostname-match = (\nendif`),
      /^3:21 .*expected a regular expression, got \(/,
    );
    assert.match(await problems(`${head}for-times = many\nendfor`), /expected a number of repetitions, got many/);
    assert.match(await problems(`${head}for-times = 999999\nendfor`), /at most 2000 repetitions, got 999999/);
    assert.match(await problems(`${head}for-readline = gone\nendfor`), /there is no file \/vassals\/gone/);
    assert.match(await problems(`${head}if-env = A\nelse =\nendif`, { env: { A: '1' } }), /uWSGI 2\.0 has no else/);
  });
});

describe('an included file', () => {
  it('is read in its place, by its own magic variables and those of the vassal', async () => {
    const files = { '/vassals/inc/base.ini': '[uwsgi]\nenv = WHO=%n of %N in %d\nenv = B=%(command)' };
    assert.deepEqual(await env('env = A=1\ninclude = inc/base.ini\nenv = C=1', { files }), {
      A: '1',
      WHO: 'base of shop in /vassals/inc/',
      B: './serve',
      C: '1',
    });
  });

  it('may be a section of it, and of the vassal itself', async () => {
    const files = { '/etc/all.ini': '[uwsgi]\nenv = NO=1\n[uwsgi:eu]\nenv = X=%x%X' };
    assert.deepEqual(await env('ini = /etc/all.ini:uwsgi:eu\nini = :own\n[own]\nenv = OWN=%x', { files }), {
      X: 'uwsgi:eu',
      OWN: 'own',
    });
  });

  it('may be YAML or JSON', async () => {
    const files = { '/vassals/a.yaml': 'uwsgi:\n  env: [A=1, B=2]', '/vassals/b.json': '{"uwsgi": {"env": "C=%s"}}' };
    assert.deepEqual(await env('yaml = a.yaml\njson = b.json', { files }), { A: '1', B: '2', C: 'b.json' });
  });

  it('that is inherited comes behind everything, with placeholders in its name', async () => {
    const files = {
      '/etc/base.ini': '[uwsgi]\nprocesses = 7\ninherit = more.ini',
      '/vassals/more.ini': '[uwsgi]\nqueue-timeout = 3',
    };
    const read = await readVassal(`${head}inherit = %(etc)/base.ini\nprocesses = 2\netc = /etc`, { files });
    assert.deepEqual(problemsOf(read), []);
    assert.deepEqual([read.parsed.value['processes'], read.parsed.value['queue-timeout']], [7, 3]);
  });

  it('may be empty where its section is there', async () => {
    assert.deepEqual(await env('include = a.ini', { files: { '/vassals/a.ini': '[uwsgi]\n; master' } }), {});
  });

  it('makes the vassal depend on more than its own text', async () => {
    const files = { '/vassals/a.ini': '[uwsgi]\nmaster = 1' };
    assert.equal((await readVassal(`${head}include = a.ini`, { files })).isSelfContained, false);
    assert.equal((await readVassal(`${head}if-exists = a.ini\nendif`, { files })).isSelfContained, false);
    assert.equal((await readVassal(`${head}env = A=@(a.ini)`, { files })).isSelfContained, false);
    assert.equal((await readVassal(`${head}env = A=1`)).isSelfContained, true);
  });

  it('that is wrong is told at the line that includes it, with its own place', async () => {
    const files = {
      '/vassals/a.ini': '[uwsgi]\ninclude = b.ini',
      '/vassals/b.ini': '[uwsgi]\n\nproceses = 3\nprocesses = x{{ y }}',
    };
    const told = await problems(`${head}include = a.ini`, { files });
    assert.match(told, /^3:11 \/vassals\/b\.ini:3: "proceses" is no option/m);
    assert.match(told, /^3:11 \/vassals\/b\.ini:4: expected a finished file, got \{\{ y \}\}/m);
  });

  const refused: readonly [what: string, line: string, told: RegExp][] = [
    ['is missing', 'include = gone.ini', /^3:11 cannot be included: there is no file \/vassals\/gone\.ini/],
    [
      'lacks the section',
      'ini = a.ini:none',
      /^3:1 .*a\.ini: expected options in the section \[none\].*only \[uwsgi\]/,
    ],
    ['is the vassal', 'ini = shop.ini', /^3:7 .*in a circle: \/vassals\/shop\.ini:uwsgi -> \/vassals\/shop\.ini:uwsgi/],
    [
      'includes it again',
      'ini = back.ini',
      /in a circle: \/vassals\/shop\.ini:uwsgi -> \/vassals\/back\.ini:uwsgi -> /,
    ],
    ['is no file', 'ini = http://x/y.ini', /expected a file to include, got http:\/\/x\/y\.ini/],
    ['is XML', 'include = a.xml', /expected an ini, YAML or JSON file, got \.xml/],
    ['is a placeholder', 'include = %(command)', /files are included before placeholders are filled in/],
    ['is nothing', 'include =', /expected a file to include, got nothing/],
    ['is broken YAML', 'yaml = bad.yaml', /^3:8 \/vassals\/bad\.yaml:2: /],
  ];
  for (const [what, line, told] of refused) {
    it(`that ${what} is refused`, async () => {
      const files = {
        '/vassals/a.ini': '[uwsgi]\nmaster = 1',
        '/vassals/back.ini': '[uwsgi]\nini = shop.ini',
        '/vassals/bad.yaml': 'uwsgi:\n\tenv: 1',
      };
      assert.match(await problems(`${head}${line}`, { files }), told);
    });
  }

  it('may be included sixteen deep and no deeper', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`/vassals/${at}.ini`, `[uwsgi]\ninclude = ${at + 1}.ini`]),
    );
    assert.match(
      await problems(`${head}include = 0.ini`, { files }),
      /expected at most 16 files that include each other/,
    );
  });
});

describe('a vassal', () => {
  it('without the section, or with nothing in it, is refused', async () => {
    assert.match(
      await problems('[app:main]\nx = 1'),
      /^- expected options in the section \[uwsgi\], but the file has only \[app:main\]/,
    );
    assert.match(await problems('[uwsgi]\n; nothing'), /^- .*\[uwsgi\], which is empty/);
    assert.match(await problems('# nothing'), /^- .*but the file has no section/);
  });

  it('whose loops or includes come to too much is refused, once', async () => {
    const loop = `for-times = 2000\n${'env = A%(_)=1\n'.repeat(8)}endfor`;
    assert.match(await problems(`${head}${loop}`), /^\d+:1 its loops and includes come to more than 10000 lines$/);
    const files = Object.fromEntries(
      Array.from({ length: 15 }, (_, at) => [`/vassals/${at}.ini`, `[uwsgi]\n${`ini = ${at + 1}.ini\n`.repeat(3)}`]),
    );
    const last = { '/vassals/15.ini': '[uwsgi]\nmaster = 1' };
    assert.match(
      await problems(`${head}ini = 0.ini`, { files: { ...files, ...last } }),
      /expected at most 200 includes/,
    );
  });

  it('of a long run of anything is read all the same', async () => {
    const long = 200_000;
    for (const part of [' ', '{{', '{%', '%(', '$(', '%', '=', '[', '\t;', '%(a ']) {
      const read = await readVassal(`${head}logto = x${part.repeat(long / part.length)}x`);
      assert.ok(read.problems.length <= 1);
    }
  });

  it('that is wrong in many places tells of twenty', async () => {
    const lines = Array.from({ length: 40 }, (_, at) => `nonsense${at} = 1`).join('\n');
    const { problems: told } = await readVassal(`${head}${lines}`);
    assert.equal(told.length, 21);
    assert.match(told[0]?.message ?? '', /20 further problems/);
  });

  it('in YAML has flat values only', async () => {
    assert.match(
      problemsOf(await readVassal('uwsgi:\n  env: {A: 1}', { file: '/vassals/shop.yaml' })).join(),
      /^2:8 env: expected one value/,
    );
    assert.match(
      problemsOf(await readVassal('uwsgi: 3', { file: '/vassals/shop.yaml' })).join(),
      /uwsgi: expected a map of options/,
    );
  });
});
