// The rule that needs no list of cases: whatever bytes come in, what reaches a worker is canonical. Requests are
// mutated at random, sent to the real router, and everything its worker received is judged byte by byte.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ask } from '../harness/http-client.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { within } from '../harness/wait-for.ts';

const framingNames = ['Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'X-Forwarded-For', 'Upgrade'];
const token = fc.constantFrom(
  'X-A',
  'Accept',
  'Cookie',
  'x_y',
  'X.Y',
  'Proxy',
  'TE',
  'Keep-Alive',
  'Trailer',
  'Expect',
);
/** A name that some parser might take for a framing one. */
const lookAlike = fc
  .tuple(
    fc.constantFrom(...framingNames),
    fc.constantFrom(
      (name: string) => name.replaceAll('-', '_'),
      (name: string) => name.replaceAll('-', '.'),
      (name: string) => `${name} `,
      (name: string) => `\t${name}`,
      (name: string) => `${name}\u0000`,
      (name: string) => name.toUpperCase(),
      (name: string) => `${name}\u00ad`,
      (name: string) => name,
    ),
  )
  .map(([name, change]) => change(name));
const value = fc.constantFrom(
  '0',
  '5',
  '05',
  '+5',
  '5, 5',
  'chunked',
  'Chunked',
  'x, chunked',
  'a.test',
  'b.test',
  'close',
  'keep-alive, X-A',
  'Upgrade',
  'websocket',
  '100-continue',
  'v\u00e9',
  'a\u0000b',
  'a\rb',
  'a\nb',
  '',
  ' ',
  '1.2.3.4',
  'a\r\n b',
);
const fieldLine = fc
  .tuple(fc.oneof(token, lookAlike), fc.constantFrom(': ', ':', ' : ', ':\t'), value)
  .map((parts) => parts.join(''));
const body = fc.constantFrom(
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '5;x=1\r\nhello\r\n0\r\nContent_Length: 9\r\n\r\n',
);
const request = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'get', 'HEAD'),
    fc.constantFrom('/', '/a%0d%0ab', '*', 'http://a.test/x', '//x', '/ x', '/\u00e9', '/?a=b#c'),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0'),
    fc.array(fieldLine, { maxLength: 6 }),
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
    body,
  )
  .map(([method, target, version, lines, end, content]) =>
    [`${method} ${target} ${version}`, 'Host: a.test', ...lines, '', content].join(end),
  );
/** Well-formed or nearly so, and then perhaps with single bytes changed, dropped or doubled. */
const bytes = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'drop', 'double'), fc.nat({ max: 255 })), { maxLength: 3 }),
  )
  .map(([requests, edits]) => {
    let text = requests.join('');
    for (const [at, edit, code] of edits) {
      const i = at % text.length;
      const middle = { set: String.fromCharCode(code), drop: '', double: (text[i] ?? '').repeat(2) }[edit];
      text = text.slice(0, i) + middle + text.slice(i + 1);
    }
    return text;
  });

const batchSize = 25;
const runs = 120;

describe('what reaches a worker', () => {
  it('is canonical, whatever the client sends', async (t) => {
    const worker = await RecordingWorker.start(t, () => ok());
    const router = await startRouter(t, { apps: [routeTo(worker.path, { domains: ['*'] })] });
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: batchSize, maxLength: batchSize }), async (texts) => {
        const seen = worker.connections.length;
        const before = worker.connections.map(({ received }) => received.length);
        await Promise.all(texts.map((text) => send(router.port, text)));
        assert.equal((await ask(router.port, { host: 'a.test' })).status, 200, 'the router is well');
        for (const [index, { received }] of worker.connections.entries()) {
          checkCanonical(received.slice(index < seen ? before[index] : 0));
        }
      }),
      { numRuns: runs },
    );
    assert.ok(worker.requests.length > runs, 'some requests did reach the worker');
  });
});

/** Sends and ends, and waits until the router has ended too. */
async function send(port: number, text: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(Buffer.from(text, 'latin1'));
  await within(new Promise((resolve) => socket.once('close', resolve)), { what: `the end of ${JSON.stringify(text)}` });
}

const nameOfLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?(.*)$/;
const requestLine = /^[A-Z]+ (?:\/[\x21-\x7e\x80-\xff]*|\*) HTTP\/1\.1$/;

/** Judges a run of whole requests, the last of which may break off in its body. */
function checkCanonical(received: string): void {
  for (let rest = received; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    assert.notEqual(end, -1, `a whole head in ${JSON.stringify(rest.slice(0, 300))}`);
    const head = rest.slice(0, end);
    assert.doesNotMatch(head.replaceAll('\r\n', ''), /[\x00-\x08\x0a-\x1f\x7f]/, JSON.stringify(head));
    const [first = '', ...lines] = head.split('\r\n');
    assert.match(first, requestLine, JSON.stringify(head));
    const names = lines.map((line) => {
      const match = nameOfLine.exec(line);
      assert.ok(match !== null, `a field line: ${JSON.stringify(line)}`);
      assert.match(match[2] ?? '', /^(?:[^ \t](?:.*[^ \t])?)?$/, `a stripped value: ${JSON.stringify(line)}`);
      return String(match[1]).toLowerCase();
    });
    checkNames(names, head);
    const after = rest.slice(end + 4);
    const length = bodyLength(after, lines);
    if (length === undefined) return;
    rest = after.slice(length);
  }
}

function checkNames(names: readonly string[], head: string): void {
  const count = (name: string): number => names.filter((candidate) => candidate === name).length;
  const text = JSON.stringify(head);
  assert.equal(count('host'), 1, `one Host: ${text}`);
  assert.ok(count('content-length') + count('transfer-encoding') <= 1, `one framing: ${text}`);
  assert.ok(count('x-forwarded-for') === 1 && count('x-request-id') === 1, text);
  for (const name of names) {
    assert.match(name, /^[a-z0-9-]+$/, `no name that a gateway could mistake: ${text}`);
    assert.ok(!['proxy', 'te', 'keep-alive', 'expect', 'proxy-connection'].includes(name), `${name}: ${text}`);
    if (name === 'connection' || name === 'upgrade')
      assert.ok(count('upgrade') === 1 && count('connection') === 1, text);
  }
}

/** Undefined where the body breaks off. */
function bodyLength(after: string, lines: readonly string[]): number | undefined {
  const valueOf = (name: string): string | undefined =>
    lines.find((line) => line.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2);
  const coding = valueOf('transfer-encoding');
  if (coding === undefined) {
    const length = valueOf('content-length') ?? '0';
    assert.match(length, /^(?:0|[1-9]\d*)$/);
    return after.length < Number(length) ? undefined : Number(length);
  }
  assert.equal(coding, 'chunked');
  for (let at = 0; ;) {
    const lineEnd = after.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = after.slice(at, lineEnd);
    assert.match(size, /^(?:0|[1-9a-f][0-9a-f]*)$/, 'a canonical chunk size');
    if (size === '0') {
      const end = after.indexOf('\r\n\r\n', lineEnd);
      if (end === -1) return undefined;
      assert.doesNotMatch(after.slice(lineEnd, end), /[_.]/, 'no trailer that a gateway could mistake');
      return end + 4;
    }
    at = lineEnd + 2 + Number.parseInt(size, 16) + 2;
    if (after.length < at) return undefined;
  }
}
