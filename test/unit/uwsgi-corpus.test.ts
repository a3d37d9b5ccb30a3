// Vassals as people write them (test/fixtures/uwsgi): what each comes to, key by key, and that the rest is noted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { appKeys } from '../../lib/spec/vassal-spec.ts';
import { isOurKey } from '../../emperor/config/uwsgi/option-use.ts';
import { readUwsgi } from '../../emperor/config/uwsgi/read-uwsgi.ts';
import { packageRoot } from '../harness/paths.ts';
import { madeUpSources } from '../harness/uwsgi-sources.ts';

const corpus = join(packageRoot, 'test/fixtures/uwsgi');
const common = readFileSync(join(corpus, 'common.inc'), 'utf8');

interface Expected {
  /** Keys that there are not yet are left out, whatever they are set to. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Options with a note, in the order of the file. */
  readonly notes: readonly string[];
}

const vassals: Readonly<Record<string, Expected>> = {
  'django.ini': {
    keys: {
      chdir: '/srv/shop/src',
      virtualenv: '/srv/shop/venv',
      module: 'shop.wsgi:application',
      env: { DJANGO_SETTINGS_MODULE: 'shop.settings.production', LANG: 'C.UTF-8' },
      processes: 4,
      threads: 2,
    },
    notes: [
      ...['max-requests', 'harakiri', 'socket', 'chmod-socket', 'chown-socket', 'logto', 'log-maxsize', 'log-date'],
      ...['pidfile', 'touch-reload', 'static-map'],
    ],
  },
  'flask.ini': {
    keys: {
      'wsgi-file': 'app.py',
      callable: 'app',
      processes: 9,
      pythonpath: ['/srv/lib', '/srv/flask'],
      virtualenv: '/srv/flask/venv',
      'lazy-apps': true,
      'limit-post': 10_485_760,
      domains: ['flask.example.com', 'www.flask.example.com'],
      'drain-timeout': 20,
      'stop-timeout': 5,
    },
    notes: ['http', 'disable-logging', 'stats', 'stats-http', 'post-buffering'],
  },
  'command.ini': {
    keys: {
      command: 'node server.js --name command',
      processes: 2,
      'health-check': '/up',
      'drain-timeout': '90s',
      domains: ['command.example.com', 'www.command.example.com'],
      env: { PORT_NAME: 'the shop team' },
    },
    notes: [],
  },
  'looped.ini': {
    keys: {
      command: './serve',
      env: { FIRST: 'FIRST_OF_looped', SECOND: 'SECOND_OF_looped', TIME_1: '1', TIME_2: '2', CHECKED: 'yes' },
      processes: 1,
    },
    notes: [],
  },
  'including.ini': {
    keys: {
      command: './serve',
      processes: 16,
      'max-concurrency': 10,
      env: { INCLUDED_BY: 'including', INCLUDED_FROM: 'common' },
    },
    notes: ['log-format'],
  },
  'flat.yaml': { keys: { command: './serve', processes: 3, env: { A: '1', B: 'flat' } }, notes: [] },
  'flat.json': { keys: { command: './serve', processes: 5, env: { A: '1', C: 'flat.json' } }, notes: [] },
};

describe('a vassal as people write them', () => {
  for (const [name, expected] of Object.entries(vassals)) {
    it(`${name} comes to these keys, and tells what it does not use`, async () => {
      const sources = madeUpSources({ files: { [join(corpus, 'common.inc')]: common } });
      const text = readFileSync(join(corpus, name), 'utf8');
      const read = await readUwsgi(text, { file: join(corpus, name), sources });
      const known = Object.fromEntries(Object.entries(expected.keys).filter(([key]) => isOurKey(key)));
      assert.deepEqual(read.parsed.value, known);
      const isApp = appKeys.some((key) => Object.hasOwn(known, key));
      assert.equal(read.problems.length, isApp ? 0 : 1, JSON.stringify(read.problems));
      const unknown = Object.keys(expected.keys).filter((key) => !isOurKey(key));
      const later = read.notes.filter(({ message }) => message.endsWith(': not supported yet'));
      assert.ok(later.length >= unknown.length, 'a key that does not exist yet is a note');
      const noted = read.notes.filter((note) => !later.includes(note)).map(({ option }) => option);
      assert.deepEqual(noted, expected.notes);
    });
  }
});
