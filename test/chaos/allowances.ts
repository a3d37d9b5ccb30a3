// What a client may lose, and to what: the whole list. Whatever is not here is a violation.
//
// - kill -9 of a router: the connections that it held in that moment, and what was under way on them. No other. What
//   a worker was serving for it is answered, and then ends.
// - a worker's death (killed, crashed, or ending with its killed primary): a non-idempotent request that it was
//   executing is answered 502; an answer that it had begun is cut. An idempotent request without a byte of an answer
//   goes to another worker, once: only a second worker's death can cost it. But on a connection that was handed over to
//   the worker it is answered 502: nobody else has read it.
// - every holder of the listening sockets killed (the emperor, and all routers): connections are refused or reset until
//   an emperor serves again.
// - a retired generation, or a worker that a chain retires: what never ends by itself (event streams, WebSockets) is ended within the drain time.
// - an app that is scaled down or paused: the same, of its own.
// - an app whose file is deleted: the same; and what comes before it is added and served again is answered 404, or 503
//   where it waited for a worker.
// - a router that is replaced by an upgrade: the same, for what never ends by itself.
// - an idle connection: the idle-timeout, or an end after an answer that said `Connection: close`. A request that is sent
//   just as the idle-timeout ends its connection may meet the end (RFC 9112 section 9.5); no app has seen it.
import { answersBeforeHandoff } from '../../lib/spec/emperor-config.ts';
import { drainMs, gradual, idleTimeoutMs, routerGraceMs } from './apps.ts';
import type { Evidence } from './evidence.ts';
import { retirements } from './generations.ts';
import type { Fault } from './history.ts';
import type { ConnectionRecord, ExchangeRecord } from './record.ts';

/** The allowance that covers a loss, by name; undefined: none does. */
export type Excuse =
  'router killed' | 'worker died' | 'two workers died' | 'ports lost' | 'app deleted' | 'drained' | 'idle-timeout';

/** A client learns of a death a moment after it; on a machine with more to do than cores, a long moment. */
const noticeMs = 3000;
/** A request that was sent so shortly after a death may still have been given to the dead worker. */
const routedMs = 100;

/** Why this exchange, which did not end with a whole 2xx, may have ended so. */
export function excuseExchange(exchange: ExchangeRecord, evidence: Evidence): Excuse | undefined {
  const { connection } = exchange;
  if (exchange.outcome === 'cut' && wasHeldByKilledRouter(connection, evidence, exchange)) return 'router killed';
  if (exchange.outcome === 'cut' && wasWithoutPorts(connection, evidence)) return 'ports lost';
  if (wasDeleted(exchange, evidence)) return 'app deleted';
  const byWorker = excuseByWorkers(exchange, evidence);
  if (byWorker !== undefined) return byWorker;
  if (metIdleTimeout(exchange, evidence)) return 'idle-timeout';
  const isClean = exchange.outcome === 'cut' && connection.end === 'FIN';
  return isClean && endsNeverByItself(exchange) && wasDrained(exchange, evidence) ? 'drained' : undefined;
}

/** Why the peer may have ended this connection while no request was under way on it. */
export function excuseIdleEnd(connection: ConnectionRecord, evidence: Evidence): Excuse | undefined {
  if (wasHeldByKilledRouter(connection, evidence)) return 'router killed';
  if (wasWithoutPorts(connection, evidence)) return 'ports lost';
  return hasIdled(connection, connection.endedAtMs ?? 0) ? 'idle-timeout' : undefined;
}

function metIdleTimeout(
  { connection, outcome, sentAtMs, headAtMs, app, id }: ExchangeRecord,
  { lists }: Evidence,
): boolean {
  const wasSeen = lists.get(app)?.some((line) => line.what === 'begin' && line.id === id) ?? false;
  return outcome === 'cut' && headAtMs === undefined && !wasSeen && hasIdled(connection, sentAtMs);
}

/** True if the idle-timeout of a connection that has idled until then may be over. */
function hasIdled({ idleSinceMs }: ConnectionRecord, untilMs: number): boolean {
  return untilMs - idleSinceMs >= idleTimeoutMs - 1000;
}

export function endsNeverByItself({ kind, status }: ExchangeRecord): boolean {
  return (kind === 'event-stream' && status === 200) || (kind === 'web-socket' && status === 101);
}

/** True if the generation that answers was retired, or the routers replaced, so shortly before the end of the answer. */
export function wasDrained({ app, ownGeneration, endedAtMs, headAtMs }: ExchangeRecord, evidence: Evidence): boolean {
  const untilMs = endedAtMs ?? Infinity;
  // It may have been recalled meanwhile, and retired again.
  const isOver = (retiredAtMs: number): boolean =>
    retiredAtMs <= untilMs && untilMs <= retiredAtMs + drainMs + noticeMs;
  if (retirements(evidence, app, ownGeneration ?? 0).some(isOver)) return true;
  if (wasRolledGradually(app, headAtMs ?? 0, untilMs, evidence)) return true;
  return evidence.actions.some(({ name, app: target, startedAtMs, endedAtMs: actionEndMs }) => {
    const isOwn = target === app && endsOwnStreams.has(name);
    const windowMs = name === 'upgrade' ? routerGraceMs : isOwn ? drainMs : 0;
    return windowMs > 0 && startedAtMs <= untilMs && untilMs <= (actionEndMs ?? Infinity) + windowMs + noticeMs;
  });
}

/** Actions that end what never ends by itself. */
const endsOwnStreams: ReadonlySet<string> = new Set(['scale', 'pause and resume', 'delete and add']);

/** A chain retires its first old worker, and a canary is turned back, long before another generation is live. */
function wasRolledGradually(app: string, fromMs: number, untilMs: number, { announcements }: Evidence): boolean {
  if (!gradual.has(app)) return false;
  const states = announcements.filter(({ event }) => event['type'] === 'app' && event['name'] === app);
  return states.some(({ atMs, event }, index) => {
    const endMs = states[index + 1]?.atMs ?? Infinity;
    return (
      event['state'] === 'deploying' && atMs <= untilMs && endMs >= fromMs && untilMs <= endMs + drainMs + noticeMs
    );
  });
}

function wasDeleted({ app, cause, outcome, sentAtMs, endedAtMs }: ExchangeRecord, { actions }: Evidence): boolean {
  if (outcome !== 'whole' || (cause !== 'unknown-host' && cause !== 'app-removed')) return false;
  return actions.some(
    (action) =>
      action.name === 'delete and add' &&
      action.app === app &&
      action.startedAtMs <= (endedAtMs ?? Infinity) &&
      sentAtMs <= (action.endedAtMs ?? Infinity),
  );
}

function excuseByWorkers(exchange: ExchangeRecord, evidence: Evidence): Excuse | undefined {
  const deaths = deathsDuring(exchange, evidence);
  const isHere = deaths.some((death) => exchange.pid !== undefined && pidsOf(death).includes(exchange.pid));
  if (exchange.outcome === 'cut')
    return isHere || wasResetUnread(exchange, deaths, evidence) ? 'worker died' : undefined;
  if (exchange.status !== 502 || exchange.cause !== 'worker-closed') return undefined;
  if (exchange.method === 'POST' || mayHaveBeenHandedOver(exchange, evidence))
    return deaths.some((death) => mayHaveExecuted(death, exchange, evidence)) ? 'worker died' : undefined;
  return deaths.flatMap(pidsOf).length >= 2 ? 'two workers died' : undefined;
}

/** The connection was kept for as many answers as a router asks for before it hands a connection over. */
function mayHaveBeenHandedOver({ connection, sentAtMs }: ExchangeRecord, { exchanges }: Evidence): boolean {
  const isBefore = (one: ExchangeRecord): boolean =>
    one.connection === connection && one.outcome === 'whole' && (one.endedAtMs ?? Infinity) <= sentAtMs;
  return exchanges.filter(isBefore).length >= answersBeforeHandoff;
}

/**
 * The worker had the connection itself, so the answer that it had begun was reset; its client, who reads slowly, had not
 * looked at it yet, and a socket that fails gives out nothing more.
 */
function wasResetUnread(exchange: ExchangeRecord, deaths: readonly Fault[], evidence: Evidence): boolean {
  const { headAtMs, connection, kind } = exchange;
  if (headAtMs !== undefined || kind !== 'download' || connection.end === 'FIN') return false;
  return (
    mayHaveBeenHandedOver(exchange, evidence) && deaths.some((death) => mayHaveExecuted(death, exchange, evidence))
  );
}

/** Deaths of the app's workers that this exchange can have met. */
function deathsDuring({ app, sentAtMs, endedAtMs }: ExchangeRecord, { faults }: Evidence): readonly Fault[] {
  return faults.filter(
    (fault) =>
      (fault.kind === 'worker' || fault.kind === 'primary') &&
      fault.app === app &&
      sentAtMs <= fault.atMs + routedMs &&
      fault.atMs <= (endedAtMs ?? Infinity) &&
      (endedAtMs ?? Infinity) <= fault.atMs + noticeMs,
  );
}

/** The app's list says who executed it; where it is not listed, the worker died before its code saw it. */
function mayHaveExecuted(death: Fault, { app, id }: ExchangeRecord, { lists }: Evidence): boolean {
  const line = lists.get(app)?.find((one) => one.what === 'begin' && one.id === id);
  return line === undefined || pidsOf(death).includes(line.pid);
}

function pidsOf(fault: Fault): readonly number[] {
  if (fault.kind === 'primary') return fault.workers;
  return fault.kind === 'worker' ? [fault.pid] : [];
}

/**
 * A worker may have been serving it. Then what ran is answered and it ends behind that, or it ends with the worker: no
 * router waits for the request any more.
 */
function wasHeldByKilledRouter(
  { localPort, openedAtMs, endedAtMs, idleSinceMs }: ConnectionRecord,
  { faults }: Evidence,
  running?: ExchangeRecord,
): boolean {
  return faults.some((fault) => {
    if (fault.kind !== 'router' || openedAtMs > fault.atMs || (endedAtMs ?? Infinity) < fault.atMs) return false;
    const wasRunning = running !== undefined && running.sentAtMs <= fault.atMs + noticeMs;
    const knownMs = running === undefined ? Math.max(fault.atMs, idleSinceMs) : fault.atMs;
    if (!wasRunning && (endedAtMs ?? Infinity) > knownMs + noticeMs) return false;
    // A connection that was reset before we could read its port was opened a moment before.
    return localPort === undefined ? fault.atMs - openedAtMs < routedMs : fault.ports.has(localPort);
  });
}

function wasWithoutPorts({ localPort, openedAtMs, endedAtMs }: ConnectionRecord, { portLosses }: Evidence): boolean {
  return portLosses.some(
    ({ fromMs, untilMs }) =>
      // Refused meanwhile, or reset in the listen queue when it went: what is killed ends a moment later.
      (localPort === undefined && openedAtMs >= fromMs && openedAtMs <= untilMs) ||
      (openedAtMs <= fromMs + routedMs && (endedAtMs ?? 0) >= fromMs && (endedAtMs ?? 0) <= fromMs + noticeMs),
  );
}
