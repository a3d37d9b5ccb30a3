// Invariant 1: every request is answered 2xx and every idle connection stays, but for what is allowed by name.
import { endsNeverByItself, excuseExchange, excuseIdleEnd, wasDrained } from '../allowances.ts';
import { describeExchange, ms, type Invariant, type Violation } from '../evidence.ts';
import type { ExchangeRecord } from '../record.ts';

const invariant = '1: no request is lost';

export const losses: Invariant = (evidence) => [
  ...evidence.exchanges
    .filter((exchange) => isLoss(exchange) && excuseExchange(exchange, evidence) === undefined)
    .map((exchange): Violation => ({
      invariant,
      atMs: exchange.endedAtMs ?? exchange.sentAtMs,
      what: describeExchange(exchange),
      connection: exchange.connection,
    })),
  // An event stream that was ended properly was ended nevertheless.
  ...evidence.exchanges
    .filter((one) => one.outcome === 'whole' && endsNeverByItself(one) && !wasDrained(one, evidence))
    .map((one): Violation => ({
      invariant,
      atMs: one.endedAtMs ?? 0,
      what: `ended for no reason: ${describeExchange(one)}`,
    })),
  ...evidence.connections
    .filter(({ end, wasIdle, wasToldToClose }) => end !== undefined && wasIdle && !wasToldToClose)
    .filter((connection) => excuseIdleEnd(connection, evidence) === undefined)
    .map((connection): Violation => {
      const { id, app, end, endedAtMs, idleSinceMs, localPort } = connection;
      const what = `idle connection ${id} of ${app} (port ${localPort ?? '?'}) got ${end ?? ''} at ${ms(endedAtMs)}, idle since ${ms(idleSinceMs)}`;
      return { invariant, atMs: endedAtMs ?? 0, what, connection };
    }),
];

/** True for what did not end as its client wished. WebSockets that were established are judged by their close frames. */
export function isLoss(exchange: ExchangeRecord): boolean {
  const { kind, status, outcome } = exchange;
  if (kind === 'web-socket' && status === 101) return false;
  if (outcome === 'left') return !endsNeverByItself(exchange);
  return outcome !== 'whole' || status === undefined || status < 200 || status > 299;
}
