// What `emperor check` finds in a directory and in a single file.
import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkPath } from '../../emperor/config/check.ts';
import { formatProblem } from '../../emperor/config/problem.ts';
import { readSourceLine } from '../../emperor/config/source-line.ts';
import { tempDir } from '../harness/temp-dir.ts';

const options = { runDir: '/run/emperor', defaults: {} };

describe('a check', () => {
  it('of a directory tells all problems by file and place, and the good apps', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'server.js'), '');
    writeFileSync(join(dir, 'b.yaml'), 'app: server\nqueue: x\ndrain-timeout: y');
    writeFileSync(join(dir, 'a.yaml'), '');
    writeFileSync(join(dir, 'good.yaml'), 'app: server\ndomains: x.com');
    writeFileSync(join(dir, 'other.yaml'), 'app: server\ndomains: x.com');
    writeFileSync(join(dir, 'other.json'), '{"app": "server"}');
    // The yaml file is the older one, whatever the tick of the kernel's clock says.
    utimesSync(join(dir, 'other.yaml'), 1000, 1000);
    utimesSync(join(dir, 'good.yaml'), 900, 900);
    const { problems, apps } = await checkPath(dir, options);
    assert.deepEqual(
      problems.map(({ file, line }) => [file.slice(dir.length + 1), line]),
      [
        ['a.yaml', null],
        ['b.yaml', 2],
        ['b.yaml', 3],
        ['other.json', null],
        ['other.yaml', 2],
      ],
    );
    assert.deepEqual(
      apps.map(({ name }) => name),
      ['good'],
    );
    assert.match(apps[0]?.digest ?? '', /^[0-9a-f]{16}$/);
  });

  it('of a fresh broken file does not wait for it to settle', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'a.yaml'), '');
    assert.equal((await checkPath(dir, options)).problems.length, 1);
  });

  it('of a single file tells of that file alone', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'server.js'), '');
    writeFileSync(join(dir, 'good.yaml'), 'app: server');
    writeFileSync(join(dir, 'bad.yaml'), 'app: server\nqueue: x');
    assert.deepEqual((await checkPath(join(dir, 'good.yaml'), options)).problems, []);
    assert.equal((await checkPath(join(dir, 'bad.yaml'), options)).problems.length, 1);
  });

  it('of what is not there, has another name, or is no file is a problem', async (t) => {
    const dir = tempDir(t);
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'notes.txt'), '');
    const message = async (path: string): Promise<string> =>
      (await checkPath(path, options)).problems[0]?.message ?? '';
    assert.match(await message(join(dir, 'gone')), /no such file or directory/);
    assert.match(await message(join(dir, 'notes.txt')), /not that of a config file/);
    assert.match(await message(join(dir, 'notes.txt', 'x')), /ENOTDIR/);
    assert.deepEqual(await checkPath(join(dir, 'sub'), options), { problems: [], apps: [] });
  });

  it('shows the line of a problem with a caret', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'bad.yaml'), '\u{feff}app: server\r\nqueue: x\r\n');
    const [problem] = (await checkPath(join(dir, 'bad.yaml'), options)).problems;
    assert.ok(problem);
    const shown = formatProblem(problem, await readSourceLine(problem));
    assert.match(shown, /bad\.yaml:2:8: queue: expected .*\n {4}queue: x\n {11}\^$/);
  });
});
