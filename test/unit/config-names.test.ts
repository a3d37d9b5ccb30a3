// Which names are config files, and which can name an app.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isConfigFileName, nameProblem, vassalName } from '../../emperor/config/names.ts';
import { generationDir, isBindable, maxSocketPathBytes, workerSocket } from '../../lib/run-dir.ts';

describe('the name of a directory entry', () => {
  const config = ['shop.yaml', 'shop.yml', 'shop.json', 'shop.ini', 'shop.example.com.yaml', 'my shop.yaml'];
  const other = [
    '.shop.yaml',
    '.shop.yaml.swp',
    'shop.yaml~',
    '#shop.yaml#',
    '.#shop.yaml',
    '#shop.yaml',
    '~$shop.json',
    '4913',
    'shop.yaml.tmp',
    'shop.yaml.swp',
    'shop.yaml.bak',
    'shop.yaml.dpkg-new',
    'sedZ4kW0a',
    'shop.yaml___jb_tmp___',
    '.goutputstream-XYZ',
    'shop.YAML',
    'shop',
    'yaml',
    '.yaml',
    'shop.toml',
  ];
  for (const name of config)
    it(`${name} is a config file`, () => {
      assert.equal(isConfigFileName(name), true);
    });
  for (const name of other)
    it(`${name} is not`, () => {
      assert.equal(isConfigFileName(name), false);
    });
});

describe('the name of an app', () => {
  for (const fileName of ['shop.yaml', 'a.json', 'shop.example.com.yml', 'A-1_b.yaml', '0.yaml']) {
    it(`of ${fileName} is accepted`, () => {
      assert.equal(nameProblem(vassalName(fileName), '/run/emperor'), undefined);
    });
  }
  const bad: readonly [fileName: string, message: RegExp][] = [
    ['my shop.yaml', /a space/],
    ['bücher.yaml', /contains "ü"/],
    ['a..b.yaml', /contains "\.\."/],
    ['shop..yaml', /ends with a dot/],
    ['-shop.yaml', /does not start/],
    ['_shop.yaml', /does not start/],
    ['a\nb.yaml', /a space/],
    ['a;b.yaml', /contains ";"/],
    ['a\u{fffd}.yaml', /not UTF-8/],
    ['🙂.yaml', /contains "🙂"/],
  ];
  for (const [fileName, message] of bad) {
    it(`of ${JSON.stringify(fileName)} is refused`, () => {
      const problem = nameProblem(vassalName(fileName), '/run/emperor');
      assert.match(problem?.message ?? '', message);
      assert.match(problem?.hint ?? '', /rename the file/);
    });
  }

  it('is refused exactly where its longest socket path cannot be bound, with the number of bytes', () => {
    const runDir = '/run/emperor';
    const fits = (name: string): boolean => isBindable(workerSocket(generationDir(runDir, name, 999_999), 512));
    const longest = Array.from({ length: maxSocketPathBytes }, (_, i) => 'a'.repeat(i + 1)).findLast(fits) ?? '';
    assert.equal(nameProblem(longest, runDir), undefined);
    assert.match(nameProblem(`${longest}b`, runDir)?.message ?? '', /1 byte too long/);
    assert.match(nameProblem(`${longest}bcdefgh`, runDir)?.message ?? '', /7 bytes too long/);
    assert.match(nameProblem(`${longest}b`, runDir)?.hint ?? '', /--run-dir/);
  });
});
