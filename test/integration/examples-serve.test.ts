// Every file of configs/vassals is served by the real programs and answers as its comment says.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../harness/emperor-process.ts';
import { exampleApps, exampleConfig, exampleVassals, serveExamples } from '../harness/examples.ts';
import type { Scope } from '../harness/scope.ts';
import { Site } from '../harness/site.ts';
import { SocketClient } from '../harness/socket-client.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Example {
  readonly guarantee: string;
  readonly check: (site: Site, t: Scope) => Promise<void>;
}

const examples: Readonly<Record<string, Example>> = {
  'hello.yaml': {
    guarantee: 'greets with the text of its vassal file',
    check: async (site) => {
      assert.match(await site.text('/'), /<h1>Hello<\/h1>/);
      const refused = await site.ask('/', { method: 'POST', body: 'x' });
      assert.equal(refused.status, 405);
      assert.equal(refused.headers['allow'], 'GET, HEAD');
    },
  },
  'welcome.yaml': {
    guarantee: 'links to every other app from the bare host',
    check: async (site, t) => {
      const bare = new Site(t, site.port, 'localhost');
      const shown = await bare.text('/');
      for (const name of ['hello', 'chat', 'python'])
        assert.match(shown, new RegExp(`href="http://${name}\\.localhost`));
      assert.equal((await bare.ask('/favicon.ico')).status, 404);
    },
  },
  'express.yaml': {
    guarantee: 'shows the request as the router passes it on, and echoes JSON',
    check: async (site) => {
      const page = await site.text('/?a=<b>', { headers: { 'x-own': 'kept' } });
      assert.match(page, /<h1>Express<\/h1>/);
      assert.match(page, /your address<td>(::ffff:)?127\.0\.0\.1/);
      assert.match(page, /x-forwarded-proto<td>http/);
      assert.match(page, /x-own<td>kept/);
      assert.match(page, /a=&lt;b&gt;/);
      const headers = { 'content-type': 'application/json' };
      const echo = await site.json('/echo', { method: 'POST', headers, body: '{"x":[1,"ü"]}' });
      assert.deepEqual((echo as { youSent: unknown }).youSent, { x: [1, 'ü'] });
    },
  },
  'fastify.yaml': {
    guarantee: 'adds two numbers, refuses a word, and is up',
    check: async (site) => {
      assert.match(await site.text('/'), /<h1>Fastify<\/h1>/);
      assert.equal(((await site.json('/sum?a=20&b=22')) as { sum: number }).sum, 42);
      assert.equal((await site.ask('/sum?a=20&b=many')).status, 400);
      assert.deepEqual(await site.json('/up'), { up: true });
    },
  },
  'hono.yaml': {
    guarantee: 'is served on its host and below the path of another, and streams',
    check: async (site, t) => {
      assert.match(await site.text('/'), /<h1>Hono<\/h1>/);
      const poem = await site.stream('/poem');
      await poem.until('the whole poem', ({ state }) => state !== 'open');
      assert.equal(poem.state, 'ended');
      assert.equal(poem.text.split('\n').length, 5);
      assert.ok(poem.chunks.length > 1, 'the lines come one after the other');
      const other = new Site(t, site.port, 'localhost');
      assert.match(await other.text('/hono/'), /<h1>Hono<\/h1>/);
      assert.equal(await other.text('/hono/poem'), poem.text);
      assert.doesNotMatch(await other.text('/'), /Hono/, 'only the path belongs to it');
    },
  },
  'koa.yaml': {
    guarantee: 'counts visits in a signed cookie, with the key of its env-file',
    check: async (site) => {
      const first = await site.ask('/');
      assert.match(first.bytes.toString(), /<p class="big">1</);
      const cookies = [first.headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0]);
      assert.equal(cookies.length, 2, 'the cookie and its signature are two fields');
      assert.match(await site.text('/', { headers: { cookie: cookies.join('; ') } }), /<p class="big">2</);
      const forged = cookies.join('; ').replace('visits=1', 'visits=7');
      assert.match(await site.text('/', { headers: { cookie: forged } }), /<p class="big">1</);
    },
  },
  'chat.yaml': {
    guarantee: 'passes on to everybody what one says',
    check: async (site, t) => {
      assert.match(await site.text('/'), /new WebSocket/);
      const one = await SocketClient.open(t, site.port, site.host, '/room');
      await one.hears('that one is here', (message) => message.includes('"present":1'));
      const two = await SocketClient.open(t, site.port, site.host, '/room');
      await one.hears('that two are here', (message) => message.includes('"present":2'));
      one.say('not JSON');
      one.say(JSON.stringify({ from: 'one', text: 'hello, ünïcode 🎈' }));
      const said = JSON.stringify({ from: 'one', text: 'hello, ünïcode 🎈' });
      for (const client of [one, two]) await client.hears('what one said', (message) => message === said);
      const heard = one.heard.length;
      two.socket.close(1000);
      assert.equal((await two.closes()).code, 1000);
      await one.hears('that two left', (message) => message.includes('"present":1'), heard);
      one.socket.close(1000);
      await one.closes();
    },
  },
  'events.yaml': {
    guarantee: 'sends the time event by event',
    check: async (site) => {
      assert.match(await site.text('/'), /new EventSource/);
      const clock = await site.stream('/clock');
      assert.equal(clock.headers['content-type'], 'text/event-stream');
      // The answer never ends: whoever gathers it first would never pass on a byte of it.
      await clock.until('three events', ({ text }) => text.split('data: ').length > 3);
      assert.equal(clock.state, 'open');
      assert.ok(clock.chunks.length >= 3, 'each event is a chunk of its own');
    },
  },
  'python.yaml': {
    guarantee: 'is a program of another language, kept alive and asked by HEAD as well',
    check: async (site) => {
      assert.match(await site.text('/'), /<h1>Hello from Python<\/h1>/);
      const head = await site.ask('/', { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.ok(Number(head.headers['content-length']) > 100);
      assert.equal(head.bytes.length, 0);
      assert.equal((await site.ask('/missing')).status, 404);
    },
  },
  'wsgi.yaml': {
    guarantee: 'is a WSGI app that knows who asks for what',
    check: async (site) => {
      const page = await site.text('/?a=<b>');
      assert.match(page, /<h1>Hello from WSGI<\/h1>/);
      assert.match(page, /You are (::ffff:)?127\.0\.0\.1, and you asked for \/\?a=&lt;b&gt;/);
      const head = await site.ask('/', { method: 'HEAD' });
      assert.deepEqual([head.status, head.bytes.length], [200, 0]);
      assert.equal((await site.ask('/missing')).status, 404);
    },
  },
};

test('every example has its check, and every example app its vassal', () => {
  const files = readdirSync(exampleVassals);
  assert.deepEqual(files.toSorted(), Object.keys(examples).toSorted());
  const apps = readdirSync(exampleApps, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const texts = files.map((file) => readFileSync(join(exampleVassals, file), 'utf8'));
  for (const { name } of apps) {
    assert.ok(
      texts.some((text) => text.includes(`../apps/${name}`)),
      `configs/apps/${name} belongs to a vassal`,
    );
  }
  for (const [index, text] of texts.entries()) {
    assert.match(text, /^# .+\n# .+\n[^#]/, `${files[index] ?? ''} opens with a comment of two lines`);
  }
});

test('`emperor check` finds no fault in the examples', async () => {
  const checked = await runCommand(['check', exampleVassals, '--config', exampleConfig]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});

test('one emperor serves all examples', async (t) => {
  const emperor = await serveExamples(t);
  const status = await emperor.status();
  assert.deepEqual(
    status.vassals.map(({ name }) => `${name}.yaml`).toSorted(),
    Object.keys(examples).toSorted(),
    'each file is an app',
  );
  assert.deepEqual(status.emperor.problems, []);
  for (const [file, { guarantee, check }] of Object.entries(examples)) {
    await t.test(`${file} ${guarantee}`, async (t) => {
      await check(new Site(t, emperor.port, file.replace('.yaml', '.localhost')), t);
    });
  }
  await t.test('the access log has a line of JSON for each of them', async () => {
    const logged = (): unknown[] =>
      emperor.process.stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => (JSON.parse(line) as { app?: unknown }).app);
    await waitFor(() => status.vassals.every(({ name }) => logged().includes(name)), {
      what: 'a line of the access log about every app',
    });
  });
});
