// Express as its users write it, through the router: body parsers, static files, ranges, downloads, redirects, cookies.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startEmperor } from '../harness/emperor-process.ts';
import type { Site } from '../harness/site.ts';
import { checkApps, thirdPartyApp, type Checks } from '../harness/third-party.ts';

const checks: Checks = {
  'says hello': async (site) => {
    assert.equal(await site.text('/'), 'Hello World!');
  },
  'parses JSON, forms, text and raw bodies': async (site) => {
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } } as const;
    assert.deepEqual(await site.json('/json', { ...json, body: '{"ü":[1,null]}' }), { ü: [1, null] });
    assert.equal((await site.ask('/json', { ...json, body: '{"x":' })).status, 400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const parsed = await site.json('/form', { method: 'POST', headers: form, body: 'a[b]=1&a[c]=two+words' });
    assert.deepEqual(parsed, { a: { b: '1', c: 'two words' } });
    const text = { 'content-type': 'text/plain' };
    assert.equal(await site.text('/text', { method: 'POST', headers: text, body: 'plain' }), 'plain');
  },
  'takes a raw body of 10 MB unchanged, and answers 413 beyond its own limit': async (site) => {
    const body = Buffer.alloc(10 * 1024 * 1024, 'large body ');
    const headers = { 'content-type': 'application/octet-stream' };
    const received = await site.json('/raw', { method: 'POST', headers, body });
    const sha256 = createHash('sha256').update(body).digest('hex');
    assert.deepEqual(received, { length: body.length, sha256 });
    const json = { 'content-type': 'application/json' };
    const large = await site.ask('/json', { method: 'POST', headers: json, body: Buffer.alloc(200_000, ' ') });
    assert.equal(large.status, 413);
  },
  'serves static files with validators, and answers 304 to them': async (site) => {
    const first = await site.ask('/alphabet.txt');
    assert.equal(first.bytes.toString(), 'abcdefghijklmnopqrstuvwxyz');
    assert.equal(first.headers['cache-control'], 'public, max-age=3600');
    const again = await site.ask('/alphabet.txt', { headers: { 'if-none-match': String(first.headers['etag']) } });
    assert.equal(again.status, 304);
    assert.equal(again.bytes.length, 0);
    const head = await site.ask('/page.html', { method: 'HEAD' });
    assert.equal(head.headers['content-type'], 'text/html; charset=utf-8');
    assert.ok(Number(head.headers['content-length']) > 0);
    assert.equal(head.bytes.length, 0);
  },
  'answers ranges': async (site) => {
    const range = async (value: string): ReturnType<Site['ask']> =>
      site.ask('/alphabet.txt', { headers: { range: value } });
    const part = await range('bytes=2-4');
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], 'bytes 2-4/26');
    assert.equal(part.bytes.toString(), 'cde');
    assert.equal((await range('bytes=-3')).bytes.toString(), 'xyz');
    const beyond = await range('bytes=100-');
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], 'bytes */26');
  },
  'streams a download of 16 MB byte by byte': async (site) => {
    const { headers, bytes } = await site.ask('/download?blocks=256');
    assert.equal(headers['content-disposition'], 'attachment; filename=numbers.bin');
    const expected = Buffer.concat(Array.from({ length: 256 }, (_, index) => Buffer.alloc(65536, index)));
    assert.ok(bytes.equals(expected), `${bytes.length} bytes`);
  },
  'sends a file under another name, and one in small pieces': async (site) => {
    const file = await site.ask('/file');
    assert.equal(file.headers['content-disposition'], 'attachment; filename=letters.txt');
    assert.equal(file.bytes.toString(), 'abcdefghijklmnopqrstuvwxyz');
    assert.match(await site.text('/slow-file'), /module\.exports = app;\n$/);
  },
  'redirects, and names the address that the visitor asked for': async (site) => {
    const moved = await site.ask('/old');
    assert.equal(moved.status, 301);
    assert.equal(moved.headers['location'], '/new');
    const absolute = await site.ask('/absolute', { headers: { host: `${site.host}:8080` } });
    assert.equal(absolute.status, 302);
    assert.equal(absolute.headers['location'], `http://${site.host}:8080/new`);
  },
  'sets several cookies and reads them back': async (site) => {
    const first = await site.ask('/cookies');
    assert.equal(first.bytes.toString(), 'none');
    assert.deepEqual(first.headers['set-cookie'], ['a=1; Path=/; HttpOnly', 'b=two%20words; Path=/cookies']);
    const second = await site.text('/cookies', { headers: { cookie: 'a=1; b=two%20words' } });
    assert.equal(second, 'a=1; b=two%20words');
  },
  'knows its visitor, whatever the visitor claims': async (site) => {
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-requested-with': 'XMLHttpRequest',
    };
    const who = (await site.json('/who', { headers })) as Record<string, unknown>;
    assert.match(String(who['ip']), /127\.0\.0\.1$/);
    assert.deepEqual({ ...who, ip: '' }, { ip: '', protocol: 'http', host: site.host, xhr: true });
  },
  'sees paths as they were sent': async (site) => {
    assert.equal(await site.text('/users/J%C3%BCrgen%2Fx'), 'Jürgen/x');
    const missing = await site.ask('/a/./b//c?d=1');
    assert.equal(missing.status, 404);
    assert.equal(missing.bytes.toString(), 'no /a/./b//c here');
  },
  'answers without a body, and with its own error page': async (site) => {
    const empty = await site.ask('/empty');
    assert.equal(empty.status, 204);
    assert.equal(empty.bytes.length, 0);
    const broken = await site.ask('/boom');
    assert.equal(broken.status, 500);
    assert.match(broken.bytes.toString(), /Internal Server Error|boom/);
    assert.equal(await site.text('/'), 'Hello World!', 'the worker lives on');
  },
};

test('Express, by app.listen and as an exported app', async (t) => {
  const emperor = await startEmperor(t, {
    vassals: {
      'listens.yaml': `app: ${thirdPartyApp('express/listen.js')}\nprocesses: 2\n`,
      'exported.yaml': `app: ${thirdPartyApp('express/app.js')}\n`,
    },
  });
  await checkApps(t, emperor, ['listens', 'exported'], checks);
});
