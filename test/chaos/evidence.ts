// Everything a run leaves behind for the judgement: plain values, no process any more.
import type { ListLine } from './apps.ts';
import type { Announcement } from './box.ts';
import type { ActionRecord, Fault, PortLoss } from './history.ts';
import type { ConnectionRecord, ExchangeRecord, SocketRecord } from './record.ts';

export interface Evidence {
  /** Router processes that emperor.yaml asked for. */
  readonly routers: number;
  readonly connections: readonly ConnectionRecord[];
  readonly exchanges: readonly ExchangeRecord[];
  readonly sockets: readonly SocketRecord[];
  readonly actions: readonly ActionRecord[];
  readonly faults: readonly Fault[];
  readonly portLosses: readonly PortLoss[];
  readonly announcements: readonly Announcement[];
  /** What the apps wrote down themselves. */
  readonly lists: ReadonlyMap<string, readonly ListLine[]>;
}

/** Something that must not be, in words, with what shows it. */
export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly what: string;
  /** Where it happened to one. */
  readonly connection?: ConnectionRecord;
}

export type Invariant = (evidence: Evidence) => readonly Violation[];

/** One exchange in words. */
export function describeExchange(exchange: ExchangeRecord): string {
  const { id, app, method, connection, sentAtMs, headAtMs, endedAtMs, status, generation, pid, cause, outcome } =
    exchange;
  const port = connection.localPort ?? 'never connected';
  const parts = [
    `${method} ${id} of ${app} on connection ${connection.id} (port ${port})`,
    `sent at ${ms(sentAtMs)}`,
    headAtMs === undefined ? 'no answer' : `answered ${status ?? ''} at ${ms(headAtMs)}`,
    ...(cause === undefined ? [] : [`cause ${cause}`]),
    ...(connection.wasToldToClose ? ['told to close'] : []),
    ...(generation === undefined ? [] : [`generation ${generation}`]),
    ...(pid === undefined ? [] : [`worker ${pid}`]),
    `${outcome} at ${ms(endedAtMs)}`,
    ...(connection.end === undefined ? [] : [`connection ended by ${connection.end} at ${ms(connection.endedAtMs)}`]),
  ];
  return parts.join(', ');
}

export function ms(time: number | undefined): string {
  return time === undefined ? 'never' : `${Math.round(time)} ms`;
}
