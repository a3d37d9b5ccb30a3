// The chaos suite's judgement itself: each invariant finds what it is for in a made-up record, and lets pass what its
// allowance names, but no more.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence } from '../chaos/evidence.ts';
import { judge } from '../chaos/invariants/all.ts';
import type { ConnectionRecord, ExchangeRecord, SocketRecord } from '../chaos/record.ts';

const connection = (changes: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  id: 1,
  app: 'shop',
  openedAtMs: 0,
  localPort: 4000,
  endedAtMs: undefined,
  end: undefined,
  closedAtMs: 9000,
  idleSinceMs: 0,
  wasToldToClose: false,
  wasIdle: true,
  ...changes,
});

const answer = (changes: Partial<ExchangeRecord> = {}): ExchangeRecord => {
  const app = changes.app ?? 'shop';
  const ownGeneration = 'ownGeneration' in changes ? changes.ownGeneration : 1;
  return {
    id: 'get-1',
    kind: 'get',
    app,
    method: 'GET',
    connection: connection(),
    sentAtMs: 1000,
    headAtMs: 1010,
    endedAtMs: 1011,
    status: 200,
    generation: ownGeneration === undefined ? undefined : `${app}/${ownGeneration}`,
    ownGeneration,
    pid: 11,
    cause: undefined,
    bodyBytes: 2,
    outcome: 'whole',
    corruption: undefined,
    ...changes,
  };
};

const post = (changes: Partial<ExchangeRecord> = {}): ExchangeRecord =>
  answer({ id: 'post-1', kind: 'post', method: 'POST', ...changes });

const refused = { status: 502, cause: 'worker-closed', ownGeneration: undefined, pid: undefined };

const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  routers: 1,
  connections: [],
  exchanges: [],
  sockets: [],
  actions: [],
  faults: [],
  portLosses: [],
  announcements: [],
  lists: new Map([['shop', [{ what: 'begin', id: 'post-1', pid: 11, generation: 1 }]]]),
  ...changes,
});

const said = (
  atMs: number,
  event: Readonly<Record<string, unknown>>,
  emperor = 1,
): Evidence['announcements'][number] => ({
  atMs,
  emperor,
  event: { name: 'shop', ...event },
});
const live = (atMs: number, generation: number): Evidence['announcements'][number] =>
  said(atMs, { type: 'deploy', result: 'live', generation });
const turn = (atMs: number, generation: number, emperor = 1): Evidence['announcements'][number] =>
  said(atMs, { type: 'app', state: 'running', generation }, emperor);

const socket = (changes: Partial<SocketRecord> = {}, exchange: Partial<ExchangeRecord> = {}): SocketRecord => ({
  exchange: answer({ kind: 'web-socket', status: 101, outcome: 'left', endedAtMs: 9000, ...exchange }),
  echoes: 3,
  lastSentAtMs: 8000,
  lastEchoAtMs: 8001,
  closeCode: undefined,
  closeAtMs: undefined,
  corruption: undefined,
  ...changes,
});

const found = (changes: Partial<Evidence>): readonly string[] => judge(evidence(changes)).map(({ what }) => what);
const finds = (changes: Partial<Evidence>, what: RegExp): void => {
  assert.match(found(changes).join('\n'), what);
};
const passes = (changes: Partial<Evidence>): void => {
  assert.deepEqual(found(changes), []);
};

describe('losses', () => {
  it('whole answers are none', () => {
    passes({ exchanges: [answer(), post()] });
  });

  it('every other status, cut or missing answer is one', () => {
    finds({ exchanges: [answer({ status: 503, cause: 'queue-full' })] }, /answered 503/);
    finds({ exchanges: [answer({ outcome: 'cut', headAtMs: undefined, status: undefined })] }, /no answer/);
    finds({ exchanges: [answer({ outcome: 'left', headAtMs: undefined, status: undefined })] }, /left at/);
  });

  it('a killed router takes its own connections and no other', () => {
    const on = (localPort: number): ConnectionRecord =>
      connection({ localPort, end: 'FIN', endedAtMs: 1100, wasIdle: false });
    const cut = { outcome: 'cut' as const, endedAtMs: 1100, status: undefined, headAtMs: undefined };
    const faults = [{ kind: 'router' as const, pid: 5, atMs: 1050, ports: new Set([4000]) }];
    passes({ exchanges: [answer({ ...cut, connection: on(4000) })], faults });
    finds({ exchanges: [answer({ ...cut, connection: on(4001) })], faults }, /no answer/);
    const idle = connection({ end: 'FIN', endedAtMs: 1100 });
    passes({ connections: [idle], faults });
    finds({ connections: [{ ...idle, localPort: 4001 }], faults }, /idle connection/);
  });

  it('a dead worker costs what is not idempotent and what it had begun to answer', () => {
    const faults = [{ kind: 'worker' as const, app: 'shop', pid: 11, atMs: 1005 }];
    passes({ exchanges: [post(refused)], faults });
    passes({ exchanges: [answer({ kind: 'download', outcome: 'cut' })], faults });
    finds({ exchanges: [answer(refused)], faults }, /get-1.*502/);
    finds({ exchanges: [answer({ kind: 'download', outcome: 'cut', pid: 12 })], faults }, /cut at/);
  });

  it('a worker of another app excuses nothing', () => {
    finds({ exchanges: [post(refused)], faults: [{ kind: 'worker', app: 'blog', pid: 11, atMs: 1005 }] }, /502/);
  });

  it('a worker that did not execute the request excuses nothing', () => {
    finds({ exchanges: [post(refused)], faults: [{ kind: 'worker', app: 'shop', pid: 12, atMs: 1005 }] }, /502/);
  });

  it('a deleted app answers 404 until it is served again, not before, not after, and no other app does', () => {
    const gone = answer({ status: 404, cause: 'unknown-host', ownGeneration: undefined, pid: undefined });
    const deleted = (app: string, startedAtMs: number, endedAtMs: number): Partial<Evidence> => ({
      exchanges: [gone],
      actions: [{ name: 'delete and add', app, startedAtMs, endedAtMs, detail: '', problem: undefined }],
    });
    passes(deleted('shop', 900, 2000));
    finds(deleted('shop', 1500, 2000), /answered 404/);
    finds(deleted('shop', 500, 900), /answered 404/);
    finds(deleted('guest', 900, 2000), /answered 404/);
  });

  it('an idle connection may end after `Connection: close` or the idle-timeout only', () => {
    passes({ connections: [connection({ end: 'FIN', endedAtMs: 1100, wasToldToClose: true })] });
    passes({ connections: [connection({ end: 'FIN', endedAtMs: 20_000 })] });
    finds({ connections: [connection({ end: 'FIN', endedAtMs: 1100 })] }, /idle connection 1 of shop .* got FIN/);
  });

  it('an event stream may be ended properly by the drain of its generation, not reset and not without one', () => {
    const stream = { kind: 'event-stream' as const, endedAtMs: 5000 };
    const cut = (end: string): ExchangeRecord =>
      answer({ ...stream, outcome: 'cut', connection: connection({ end, endedAtMs: 5000, wasIdle: false }) });
    const announcements = [turn(500, 1), live(2000, 2)];
    passes({ exchanges: [cut('FIN')], announcements });
    passes({ exchanges: [answer(stream)], announcements });
    finds({ exchanges: [cut('ECONNRESET')], announcements }, /ECONNRESET/);
    finds({ exchanges: [cut('FIN')] }, /FIN/);
    finds({ exchanges: [answer(stream)] }, /for no reason/);
  });
});

describe('generations', () => {
  const first = answer({ ownGeneration: 2 });
  const later = answer({ id: 'get-2', sentAtMs: 3000, headAtMs: 3010, ownGeneration: 1 });

  it('an answer that bears no generation, or a wrong one, is found', () => {
    finds({ exchanges: [answer({ generation: undefined })] }, /names another generation, or none/);
    finds({ exchanges: [answer({ generation: 'shop/2' })] }, /names another generation/);
  });

  it('a connection that goes back is found, unless a turn was announced', () => {
    finds({ exchanges: [first, later] }, /its connection was served by a later generation/);
    passes({ exchanges: [first, later], announcements: [turn(500, 2), turn(2000, 1)] });
  });

  it('a generation that had a part of the clients may be given up, if that is told', () => {
    const failed = said(2000, { type: 'deploy', result: 'failed', generation: 2 });
    passes({ exchanges: [first, later], announcements: [turn(500, 1), failed] });
  });

  it('another connection that goes back is found, of an app whose traffic changes at once', () => {
    const other = { ...later, connection: connection({ id: 2 }) };
    finds({ exchanges: [first, other] }, /another client was served by a later generation/);
    passes({ exchanges: [first, other], announcements: [turn(500, 2), turn(2000, 1)] });
  });

  it('what a new emperor says first is no announcement', () => {
    finds({ exchanges: [first, later], announcements: [turn(500, 2), turn(2000, 1, 2)] }, /later generation/);
  });

  it('an answer by the old generation after the deploy was reported is found', () => {
    const stale = answer({ sentAtMs: 3000, headAtMs: 3010 });
    finds({ exchanges: [stale], announcements: [turn(500, 1), live(2000, 2)] }, /reported live before it was sent/);
    passes({ exchanges: [answer()], announcements: [turn(500, 1), live(2000, 2)] });
  });
});

describe('other invariants', () => {
  it('a bystander that is answered by another worker is found', () => {
    const of = (pid: number): ExchangeRecord => answer({ app: 'calm', pid });
    passes({ exchanges: [of(1), of(2), of(1)] });
    finds({ exchanges: [of(1), of(2), of(3)] }, /the bystander/);
  });

  it('a request that was executed twice, or answered without being executed, is found', () => {
    const begin = (pid: number) => ({ what: 'begin', id: 'post-1', pid, generation: 1 }) as const;
    finds({ exchanges: [post()], lists: new Map([['shop', [begin(1), begin(2)]]]) }, /executed 2 times/);
    finds({ exchanges: [post()], lists: new Map() }, /executed 0 times/);
  });

  it('wrong bytes are found', () => {
    finds({ exchanges: [answer({ corruption: 'wrong bytes after 7 of 9' })] }, /wrong bytes after 7/);
  });

  it('a WebSocket that ends otherwise than by 1001 or 1012 in a drain is found', () => {
    const announcements = [turn(500, 1), live(7000, 2)];
    const closed = (closeCode: number): SocketRecord => socket({ closeCode, closeAtMs: 8500 }, { endedAtMs: 8500 });
    passes({ sockets: [socket()] });
    passes({ sockets: [closed(1012)], announcements });
    finds({ sockets: [closed(1012)] }, /for no reason/);
    finds({ sockets: [closed(1006)], announcements }, /close code 1006/);
    finds({ sockets: [socket({}, { outcome: 'cut' })], announcements }, /without a close frame/);
    finds({ sockets: [socket({ lastSentAtMs: 1000, lastEchoAtMs: 900 })] }, /no echo since/);
  });

  it('an action that did not come true is found', () => {
    const action = { name: 'edit', app: 'shop', startedAtMs: 1, endedAtMs: 2, detail: '', problem: 'timed out' };
    finds({ actions: [action] }, /edit shop.*timed out/);
  });
});
