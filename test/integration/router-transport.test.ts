// What a router is told of its transport, and what it tells the emperor of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import { noNativeVariable } from '../../native/index.ts';
import { ControlListener } from '../harness/control-listener.ts';
import { RawConnection } from '../harness/http-client.ts';
import { startProgram } from '../harness/processes.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { launchRouter, startRouter, type RouterOptions } from '../harness/router-process.ts';
import { withoutReactor } from '../harness/transport.ts';

// Each test names its transport: they are about the choice.
const bare = { [noNativeVariable]: '1' };
const asked = 'it was asked for';

describe('a router', () => {
  const cases: readonly [
    what: string,
    options: RouterOptions,
    transport: string,
    reason: RegExp,
    skip?: string | false,
  ][] = [
    ['portable, because it was told to', { transport: 'portable' }, 'portable', new RegExp(`^${asked}$`)],
    [
      'portable, because the addon is missing',
      { transport: 'auto', env: bare },
      'portable',
      new RegExp(`^the reactor cannot run: .*${noNativeVariable}`),
    ],
    [
      'the reactor, because it was told to',
      { transport: 'reactor' },
      'reactor',
      new RegExp(`^${asked}$`),
      withoutReactor,
    ],
    ['the reactor, because the addon has it', { transport: 'auto' }, 'reactor', /^the addon has it$/, withoutReactor],
  ];
  for (const [what, options, transport, reason, skip = false] of cases) {
    it(`says in its hello that it runs ${what}`, { skip }, async (t) => {
      const router = await launchRouter(t, await ControlListener.start(t), options);
      const [hello] = router.connection.messages;
      assert.equal(hello?.['transport'], transport);
      assert.match(String(hello['transportReason']), reason);
    });
  }

  it('ends with code 1 and says why where it cannot run as it was told to', async (t) => {
    const args = ['--id', '1', '--control', 'c.sock', '--transport', 'reactor'];
    const router = startProgram(t, entryPoints.router, args, { env: bare });
    assert.deepEqual(await router.exit(), { code: 1, signal: null });
    assert.match(router.stderr, new RegExp(`the reactor cannot run: .*${noNativeVariable}`));
  });

  it(
    'that runs the reactor lets connections beyond max-connections wait, also where it bound the address itself',
    {
      skip: withoutReactor,
    },
    async (t) => {
      const router = await startRouter(t, { transport: 'reactor', router: { 'max-connections': 1 } });
      const get = 'GET / HTTP/1.1\r\nHost: x.test\r\n\r\n';
      const open = new RawConnection(router.port);
      open.write(get);
      await open.until('its page', (text) => readAnswers(text).final[0]?.isWhole === true);
      const waiting = new RawConnection(router.port);
      waiting.write(get);
      open.write(get);
      await open.until('a second page', (text) => readAnswers(text).final.length === 2);
      assert.equal(waiting.received, '');
      open.destroy();
      await waiting.until('its page', (text) => readAnswers(text).final[0]?.status === 404);
      waiting.destroy();
    },
  );

  it(
    'that runs the reactor lets a burst beyond max-connections wait, and serves one after the other',
    { skip: withoutReactor },
    async (t) => {
      const router = await startRouter(t, { transport: 'reactor', router: { 'max-connections': 1 } });
      const burst = Array.from({ length: 8 }, () => new RawConnection(router.port));
      for (const connection of burst) connection.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
      const statuses = await Promise.all(
        burst.map(async (connection) => {
          await connection.until('its page', (text) => readAnswers(text).final[0]?.isWhole === true);
          const status = readAnswers(connection.received).final[0]?.status;
          connection.destroy();
          return status;
        }),
      );
      assert.deepEqual(new Set(statuses), new Set([404]));
    },
  );

  it('ends with code 2 and names the transports where it was told of none of them', async (t) => {
    const router = startProgram(t, entryPoints.router, ['--id', '1', '--control', 'c.sock', '--transport', 'quick']);
    assert.deepEqual(await router.exit(), { code: 2, signal: null });
    assert.match(router.stderr, /--transport auto\|reactor\|portable/);
  });
});
