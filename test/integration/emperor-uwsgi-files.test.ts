// Files of uWSGI in the emperor's directory: they are vassals like any other, and what they say wrong harms nobody.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand, startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const server = `
require('node:http')
  .createServer((request, response) => response.end(process.env.GREETING + ' of ' + process.env.WHO))
  .listen(process.env.PORT, '127.0.0.1');
`;

const vassal = (greeting: string): string => `; a vassal of uWSGI
[uwsgi]
program = server.cjs
command = exec ${process.execPath} %d%(program)
processes = 2
include = common.inc
env = GREETING=${greeting}
env = WHO=%n
subscribe-to = /run/router.sock:shop.example.com
harakiri = 30
socket = /run/uwsgi/%n.sock
`;

const common = '[uwsgi]\nmaster = true\nvacuum = true\nlog-format = %(addr) %(method)\n';

async function says(emperor: EmperorProcess, text: string): Promise<void> {
  await waitFor(async () => (await emperor.ask({ host: 'shop.example.com' })).body === text, {
    what: `the app to say ${text}`,
  });
}

async function startShop(t: Parameters<typeof startEmperor>[0]): Promise<EmperorProcess> {
  const vassals = { 'server.cjs': server, 'common.inc': common, 'shop.ini': vassal('hello') };
  const emperor = await startEmperor(t, { vassals });
  await emperor.appIs('shop', 'running');
  return emperor;
}

describe('an ini file of uWSGI', () => {
  it('is served by its options, and its notes are in the status', async (t) => {
    const emperor = await startShop(t);
    await says(emperor, 'hello of shop');
    const [shop] = (await emperor.status()).vassals;
    assert.deepEqual(shop?.domains, ['shop.example.com']);
    assert.equal(shop.instances[0]?.workers.length, 2);
    const all = await emperor.command('status');
    assert.match(
      all.stdout,
      /note +the file of shop has options that do nothing here; `emperor status shop` lists them/,
    );
    const one = await emperor.command('status', 'shop');
    assert.match(one.stdout, /note +shop\.ini:10 harakiri: not supported yet/);
    assert.match(one.stdout, /note +shop\.ini:6 log-format: .*common\.inc:4\)/);
    assert.doesNotMatch(one.stdout, /vacuum|master:/);
  });

  it('that is edited is deployed, and one that is wrong leaves the old generation serving', async (t) => {
    const emperor = await startShop(t);
    emperor.write('shop.ini', vassal('goodbye'));
    await emperor.generationIs('shop', 2);
    await says(emperor, 'goodbye of shop');
    emperor.write('shop.ini', vassal('nobody').replace('processes', 'proceses'));
    const problem = await waitFor(async () => (await emperor.status()).emperor.problems[0], { what: 'a problem' });
    assert.deepEqual([problem.file, problem.line, problem.column], [join(emperor.directory, 'shop.ini'), 5, 1]);
    assert.match(`${problem.message} ${problem.hint ?? ''}`, /"proceses" is no option.*did you mean processes\?/);
    assert.equal((await emperor.ask({ host: 'shop.example.com' })).body, 'goodbye of shop');
    emperor.write('shop.ini', vassal('again'));
    await says(emperor, 'again of shop');
  });

  it('is deployed when a file that it includes changes, and harmed by none', async (t) => {
    const emperor = await startShop(t);
    emperor.write('common.inc', `${common}env = EXTRA=1\n`);
    await emperor.generationIs('shop', 2);
    emperor.write('common.inc', `${common}env = EXTRA\n`);
    const problem = await waitFor(async () => (await emperor.status()).emperor.problems[0], { what: 'a problem' });
    assert.equal(problem.file, join(emperor.directory, 'shop.ini'));
    assert.match(problem.message, /common\.inc:5: env: expected NAME=value, got EXTRA/);
    await says(emperor, 'hello of shop');
    emperor.remove('common.inc');
    await waitFor(async () => /there is no file/.test((await emperor.status()).emperor.problems[0]?.message ?? ''), {
      what: 'the missing file to be told',
    });
    await says(emperor, 'hello of shop');
    emperor.write('common.inc', common);
    await waitFor(async () => (await emperor.status()).emperor.problems.length === 0, { what: 'the problem to go' });
  });

  it('may as well be YAML or JSON below the key uwsgi', async (t) => {
    const command = `exec ${process.execPath} %dserver.cjs`;
    const emperor = await startEmperor(t, {
      vassals: {
        'server.cjs': server,
        'shop.example.com.yaml': `uwsgi:\n  command: ${command}\n  master: true\n  env: [GREETING=yaml, WHO=%c]\n`,
        'other.json': JSON.stringify({ uwsgi: { command, env: ['GREETING=json', 'WHO=%n'] } }),
      },
    });
    await emperor.appIs('other', 'running');
    await emperor.appIs('shop.example.com', 'running');
    await says(emperor, 'yaml of vassals');
    assert.equal((await emperor.ask({ host: 'other.localhost' })).body, 'json of other');
  });
});

describe('emperor check', () => {
  it('says with --explain-uwsgi what becomes of each line, in a table and as JSON', async (t) => {
    const directory = tempDir(t);
    const file = join(directory, 'shop.ini');
    writeFileSync(join(directory, 'common.inc'), common);
    writeFileSync(file, vassal('hello'));
    const table = await runCommand(['check', '--explain-uwsgi', file]);
    assert.equal(table.code, 0, table.stdout);
    assert.match(table.stdout, /^ +LINE +OPTION +VALUE +WHAT WE DO WITH IT$/m);
    assert.match(table.stdout, /^ +3 +program +server\.cjs +a variable$/m);
    assert.match(table.stdout, /^ +5 +processes +2 +sets `processes`$/m);
    assert.match(table.stdout, /^common\.inc:2 +master +true +nothing: every app has a primary process$/m);
    assert.match(table.stdout, /^ +10 +harakiri +30 +MISSING: not supported yet/m);
    assert.match(table.stdout, /1 valid app, no problems\n$/);
    const json = await runCommand(['check', '--explain-uwsgi', '--json', file]);
    const { explained, apps } = JSON.parse(json.stdout) as {
      explained: { file: string; line: number; option: string; use: string; key: string | null }[];
      apps: { notes: { option: string }[] }[];
    };
    assert.deepEqual(
      explained.find(({ option }) => option === 'subscribe-to'),
      {
        ...{ file, line: 9, option: 'subscribe-to', value: '/run/router.sock:shop.example.com', use: 'ours' },
        ...{ key: 'domains', what: 'sets domains' },
      },
    );
    assert.deepEqual(
      apps[0]?.notes.map(({ option }) => option),
      ['log-format', 'harakiri', 'socket'],
    );
  });

  it('explains a file that is wrong, too, and no file of ours or directory', async (t) => {
    const directory = tempDir(t);
    const file = join(directory, 'shop.ini');
    writeFileSync(file, '[uwsgi]\ncommand = true\nchdir = /srv/{{ project }}\nproceses = 1\n');
    const wrong = await runCommand(['check', '--explain-uwsgi', file]);
    assert.equal(wrong.code, 3);
    assert.match(wrong.stdout, /^ +4 +proceses +1 +PROBLEM: /m);
    assert.match(wrong.stdout, /shop\.ini:3:1: expected a finished file, got \{\{ project \}\}/);
    mkdirSync(join(directory, 'sub'));
    const ours = join(directory, 'ours.yaml');
    writeFileSync(ours, 'command: "true"\n');
    const refused = await runCommand(['check', '--explain-uwsgi', ours]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /no file of uWSGI/);
    const aDirectory = await runCommand(['check', '--explain-uwsgi', join(directory, 'sub')]);
    assert.match(aDirectory.stderr, /takes one file/);
  });

  it('of a directory tells the notes of all files', async (t) => {
    const directory = tempDir(t);
    for (const name of ['a', 'b'])
      writeFileSync(join(directory, `${name}.ini`), '[uwsgi]\ncommand = true\ncheaper = 1\n');
    const { stdout, code } = await runCommand(['check', directory]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /a\.ini:3 cheaper: not supported yet/);
    assert.match(stdout, /b\.ini:3 cheaper: not supported yet/);
  });
});
