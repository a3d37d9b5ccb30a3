// Magic variables and placeholders: what each becomes, and what is said where one cannot be filled in.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replaceMagic, type MagicFacts } from '../../emperor/config/uwsgi/magic.ts';
import { fillPlaceholders, referredNames, type PlaceholderScope } from '../../emperor/config/uwsgi/placeholders.ts';
import { madeUpSources } from '../harness/uwsgi-sources.ts';

const facts: MagicFacts = {
  file: { given: 'inc/base.cfg.ini', path: '/etc/vassals/inc/base.cfg.ini', section: 'two' },
  root: { given: 'shop.ini', path: '/etc/vassals/shop.ini', section: '' },
  directory: '/etc/vassals',
  host: madeUpSources().host,
};

describe('a magic variable', () => {
  const cases: readonly [written: string, becomes: string][] = [
    ['%n %s %e', 'base.cfg base.cfg.ini ini'],
    ['%p', '/etc/vassals/inc/base.cfg.ini'],
    ['%d|%c', '/etc/vassals/inc/|inc'],
    ['%o %O', 'inc/base.cfg.ini shop.ini'],
    ['%N %S %E %P', 'shop shop.ini ini /etc/vassals/shop.ini'],
    ['%D|%C', '/etc/vassals/|vassals'],
    ['[%x] [%X]', '[two] []'],
    ['%0/%1/%2/%3', 'etc/vassals/inc/'],
    ['%v %h %k', '/etc/vassals box 4'],
    ['%u %U %g %G', '1000 user1000 1000 group1000'],
    ['100%%', '100%'],
    ['%%n %(n)', '%n %(n)'],
  ];
  for (const [written, becomes] of cases) {
    it(`${written} becomes ${becomes}`, () => {
      assert.deepEqual(replaceMagic(written, facts), { text: becomes, faults: [] });
    });
  }

  it('that we do not replace stays, and it is said why', () => {
    const { text, faults } = replaceMagic('%t %V %y 5%', facts);
    assert.equal(text, '%t %V %y 5%');
    assert.match(faults[0] ?? '', /^%t cannot be used: it changes with every reading/);
    assert.match(faults[1] ?? '', /^%V cannot be used/);
    assert.match(faults[2] ?? '', /^%y is no magic variable \(a percent sign is written %%\)/);
    assert.match(faults[3] ?? '', /got the end of the line/);
  });
});

function scope(values: Readonly<Record<string, string>>): PlaceholderScope {
  const sources = madeUpSources({ files: { 'motd.txt': 'hello\nworld\n' }, env: { HOME: '/root' } });
  return {
    valueOf: (name) => values[name],
    faultsOf: (name) => (name === 'odd' ? ['odd is odd'] : []),
    env: sources.env,
    contents: sources.read,
  };
}

describe('a placeholder', () => {
  const values = { one: '1', two: '2', base: '/srv/%(name)', name: 'shop', at: '$(HOME)/x', seven: '07', empty: '' };
  const cases: readonly [written: string, becomes: string][] = [
    ['%(name).wsgi', 'shop.wsgi'],
    ['%(base)/%(name)', '/srv/shop/shop'],
    ['$(HOME):%(at)', '/root:/root/x'],
    ['<@(motd.txt)>', '<hello\nworld>'],
    ['[%(empty)]', '[]'],
    ['%(one + 1)', '2'],
    ['%(one + two * 3)', '9'],
    ['%(one two)', '12'],
    ['%(seven ++ ++)', '9'],
    ['%(seven --)', '6'],
    ['%(7 / 2) %(1 - 5) %(2 / 0)', '3 -4 0'],
    ['%( one )', '1'],
    ['plain (text) % $ @', 'plain (text) % $ @'],
  ];
  for (const [written, becomes] of cases) {
    it(`${written} becomes ${JSON.stringify(becomes)}`, async () => {
      assert.deepEqual(await fillPlaceholders(written, scope(values)), { text: becomes, faults: [] });
    });
  }

  const broken: readonly [written: string, text: string, fault: RegExp][] = [
    ['%(nobody)', '%(nobody)', /%\(nobody\) refers to nothing/],
    ['$(NOBODY)', '$(NOBODY)', /environment has no variable NOBODY/],
    ['@(gone.txt)', '@(gone.txt)', /there is no file gone\.txt/],
    ['%(nobody + 1)', '1', /a sum refers to nobody/],
    ['%(odd)', 'x', /odd is odd/],
    ['%(a)', '', /%\(a\) refers to itself: a -> b -> a/],
  ];
  for (const [written, text, fault] of broken) {
    it(`${written} is told`, async () => {
      const filled = await fillPlaceholders(written, scope({ odd: 'x', a: '%(b)', b: '%(a)' }));
      assert.equal(filled.text, text);
      assert.match(filled.faults.join('\n'), fault);
    });
  }

  it('that doubles another one many times is bounded', async () => {
    const bomb = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`v${at}`, `%(v${at + 1})%(v${at + 1})`]));
    const { text, faults } = await fillPlaceholders('%(v0)', scope({ ...bomb, v60: 'boom' }));
    assert.ok(text.length <= 64 * 1024);
    assert.match(faults.join(), /longer than 65536 characters/);
  });

  it('tells the names it refers to', () => {
    assert.deepEqual(referredNames('%(a)/%(b + c * 2 ++)/%(%(d))'), ['a', 'b', 'c', '2', 'd']);
  });
});
