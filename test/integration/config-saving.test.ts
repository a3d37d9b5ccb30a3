// Ways of saving a file, and files that claim the same: what runs is never harmed by either.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ConfigDirectory } from '../harness/config-directory.ts';

describe('a way of saving', () => {
  it('by atomic rename is one change', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 1', 60);
    await vassals.scan();
    vassals.write('shop.yaml.tmp', 'app: server\nqueue: 2', 60);
    renameSync(vassals.path('shop.yaml.tmp'), vassals.path('shop.yaml'));
    assert.deepEqual(await vassals.states(), { shop: 'valid' });
    assert.equal(vassals.spec('shop').queue, 2);
  });

  it('by changing a link, also of a directory above the file, is noticed', async (t) => {
    const vassals = new ConfigDirectory(t);
    for (const version of ['one', 'two']) {
      mkdirSync(vassals.path(version));
      vassals.write(`${version}/shop.yaml`, `app: ${vassals.path('server.js')}\nenv: {V: ${version}}`, 60);
    }
    symlinkSync('one', vassals.path('current'));
    symlinkSync('current/shop.yaml', vassals.path('shop.yaml'));
    await vassals.scan();
    assert.equal(vassals.spec('shop').env['V'], 'one');
    symlinkSync('two', vassals.path('next'));
    renameSync(vassals.path('next'), vassals.path('current'));
    await vassals.scan();
    assert.equal(vassals.spec('shop').env['V'], 'two');
  });

  it('in place is not judged while it is half done: empty and broken files settle first', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 1');
    await vassals.scan();
    for (const half of ['', 'app: serv', 'app: server\nqueue: [1,', 'app: server\nque']) {
      vassals.write('shop.yaml', half);
      vassals.nowMs = statSync(vassals.path('shop.yaml')).mtimeMs + 50;
      const snapshot = await vassals.scan({ settleMs: 200 });
      assert.equal(vassals.file('shop').state, 'settling');
      assert.equal(vassals.file('shop').lastGood?.spec.queue, 1);
      assert.deepEqual(snapshot.problems, []);
      assert.equal(snapshot.rescanAfterMs, 150);
    }
    vassals.nowMs = statSync(vassals.path('shop.yaml')).mtimeMs + 201;
    const snapshot = await vassals.scan({ settleMs: 200 });
    assert.equal(vassals.file('shop').state, 'invalid');
    assert.equal(snapshot.rescanAfterMs, null);
    assert.equal(snapshot.problems.length, 1);
  });

  it('by moving the old file away first does not remove the app', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 1');
    await vassals.scan();
    vassals.nowMs = Date.now();
    renameSync(vassals.path('shop.yaml'), vassals.path('shop.yaml~'));
    const gone = await vassals.scan({ settleMs: 200 });
    assert.equal(vassals.file('shop').state, 'settling');
    assert.equal(gone.rescanAfterMs, 200);
    vassals.write('shop.yaml', 'app: server\nqueue: 2');
    vassals.nowMs += 100;
    assert.deepEqual(await vassals.states({ settleMs: 200 }), { shop: 'valid' });
    assert.equal(vassals.spec('shop').queue, 2);
  });

  it('by removing the file removes the app, once it stayed away', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml');
    await vassals.scan();
    unlinkSync(vassals.path('shop.yaml'));
    vassals.nowMs = Date.now();
    assert.deepEqual(await vassals.states({ settleMs: 200 }), { shop: 'settling' });
    vassals.nowMs += 199;
    const snapshot = await vassals.scan({ settleMs: 200 });
    assert.equal(snapshot.rescanAfterMs, 10);
    vassals.nowMs += 1;
    assert.deepEqual(await vassals.states({ settleMs: 200 }), {});
  });

  it('under another name takes the domains along without a complaint', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\ndomains: a.com', 60);
    await vassals.scan();
    vassals.nowMs = Date.now();
    renameSync(vassals.path('shop.yaml'), vassals.path('store.yaml'));
    assert.deepEqual(await vassals.states({ settleMs: 200 }), { store: 'settling', shop: 'settling' });
    assert.deepEqual(vassals.problems(), []);
    vassals.nowMs += 200;
    assert.deepEqual(await vassals.states({ settleMs: 200 }), { store: 'valid' });
  });

  it('under another extension keeps the app', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml');
    await vassals.scan();
    renameSync(vassals.path('shop.yaml'), vassals.path('shop.yml'));
    assert.deepEqual(await vassals.states({ settleMs: 200 }), { shop: 'valid' });
    assert.equal(vassals.file('shop').file, vassals.path('shop.yml'));
  });

  it('over and over never shows a state that was not written', async (t) => {
    const vassals = new ConfigDirectory(t);
    const texts = ['app: server\nqueue: 1', 'app: server\nqueue: 2\nenv: {A: 1}', 'app: server'];
    const allowed = new Set<number | undefined>([1, 2, 128]);
    vassals.write('shop.yaml', texts[0] ?? '');
    await vassals.scan({ settleMs: 200 });
    for (let turn = 0; turn < 60; turn += 1) {
      const scanned = vassals.scan({ settleMs: 200 });
      const text = texts[turn % texts.length] ?? '';
      if (turn % 2 === 0) vassals.write('shop.yaml', text);
      else {
        vassals.write('shop.tmp', text);
        renameSync(vassals.path('shop.tmp'), vassals.path('shop.yaml'));
      }
      await scanned;
      const state = vassals.file('shop');
      assert.ok(state.state === 'valid' || state.state === 'settling', JSON.stringify(state));
      assert.ok(allowed.has(state.lastGood?.spec.queue));
    }
    await vassals.scan({ settleMs: 200 });
    assert.equal(vassals.spec('shop').queue, 128);
  });
});

describe('two files that claim the same', () => {
  it('name: the older counts, the other is a problem that names it, until the first goes', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 1', 10);
    vassals.write('shop.json', '{"app": "server", "queue": 2}', 60);
    await vassals.scan();
    assert.equal(vassals.spec('shop').queue, 2);
    assert.deepEqual(vassals.problems(), ['shop.yaml the app shop is already configured by shop.json']);
    unlinkSync(vassals.path('shop.json'));
    await vassals.scan();
    assert.equal(vassals.spec('shop').queue, 1);
    assert.deepEqual(vassals.problems(), []);
    // The one that has it keeps it, though the other is older.
    vassals.write('shop.json', '{"app": "server", "queue": 2}', 60);
    await vassals.scan();
    assert.equal(vassals.spec('shop').queue, 1);
  });

  it('domain: the older has it, the newer is refused at the place and named the other', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('new.yaml', 'app: server\ndomains:\n  - a.com\n  - A.com.', 10);
    vassals.write('old.yaml', 'app: server\ndomains: [b.com, a.com]', 60);
    assert.deepEqual(await vassals.states(), { new: 'invalid', old: 'valid' });
    assert.deepEqual(vassals.problems(), ['new.yaml:3:5 a.com is already claimed by old.yaml']);
  });

  it('domain: the one that has it keeps it, whatever is older, edited or broken', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('has.yaml', 'app: server\ndomains: a.com', 10);
    await vassals.scan();
    vassals.write('wants.yaml', 'app: server\ndomains: a.com', 60);
    assert.deepEqual(await vassals.states(), { has: 'valid', wants: 'invalid' });
    vassals.write('has.yaml', 'app: server\ndomains: a.com\nqueue: 1', 1);
    assert.deepEqual(await vassals.states(), { has: 'valid', wants: 'invalid' });
    vassals.write('has.yaml', 'rubbish', 1);
    assert.deepEqual(await vassals.states(), { has: 'invalid', wants: 'invalid' });
    // It lets go of the domain, and the other becomes valid although its file did not change.
    vassals.write('has.yaml', 'app: server\ndomains: b.com', 1);
    assert.deepEqual(await vassals.states(), { has: 'valid', wants: 'valid' });
  });

  it('domain: an emperor that starts anew respects who serves it', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('has.yaml', 'app: server\ndomains: a.com', 10);
    await vassals.scan();
    const running = new Map([['has', vassals.spec('has')]]);
    vassals.write('wants.yaml', 'app: server\ndomains: a.com', 60);
    assert.deepEqual(await vassals.states({ previous: undefined, running }), { has: 'valid', wants: 'invalid' });
    assert.deepEqual(await vassals.states({ previous: undefined }), { has: 'invalid', wants: 'valid' });
  });

  it('domain that comes from the name: the hint tells so', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('a.yaml', 'app: server\ndomains: b.localhost', 60);
    vassals.write('b.yaml', 'app: server', 10);
    const snapshot = await vassals.scan();
    assert.deepEqual(vassals.problems(), ['b.yaml b.localhost is already claimed by a.yaml']);
    assert.match(snapshot.problems[0]?.hint ?? '', /comes from the file's name/);
  });

  it('domain, by a refused edit: the app keeps its old spec and its old domains', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('a.yaml', 'app: server\ndomains: a.com', 60);
    vassals.write('b.yaml', 'app: server\ndomains: b.com', 60);
    await vassals.scan();
    vassals.write('b.yaml', 'app: server\ndomains: [a.com]', 10);
    vassals.write('c.yaml', 'app: server\ndomains: b.com', 60);
    assert.deepEqual(await vassals.states(), { a: 'valid', b: 'invalid', c: 'invalid' });
    assert.deepEqual(vassals.file('b').lastGood?.spec.domains, ['b.com']);
  });
});
