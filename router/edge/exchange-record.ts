// What is written down about an exchange when it ends: its line in the access log and, where it failed, a line in the
// router's own log.
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { RequestHead } from '../http1/message.ts';
import type { Assignment } from './assignment.ts';
import type { Edge } from './edge.ts';

export interface ExchangeRecord {
  readonly app: string | undefined;
  readonly worker: string | undefined;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly startedMs: number;
  readonly queueMs: number;
  readonly client: string;
  readonly requestId: string;
  /** Why it did not end with a worker's whole answer. */
  readonly cause: FailureCause | undefined;
  /** The particular fault, for the router's log. */
  readonly detail: string;
  /** Who ended it, where that is not said by the cause. */
  readonly endedBy?: string | undefined;
}

/** How an exchange ended. */
export type Outcome = Pick<ExchangeRecord, 'status'> & Partial<Pick<ExchangeRecord, 'cause' | 'detail' | 'endedBy'>>;

type Described = 'app' | 'worker' | 'method' | 'host' | 'path' | 'queueMs' | 'status' | 'cause' | 'detail' | 'endedBy';

/** What the record says of the request itself, of its way to a worker, and of how it ended. */
export function describeRequest(
  { method, host, target }: RequestHead,
  assignment: Assignment | undefined,
  { status, cause, detail = '', endedBy }: Outcome,
): Pick<ExchangeRecord, Described> {
  const [app, worker] = [assignment?.pool.name, assignment?.target?.key];
  const queueMs = assignment?.waitedMs ?? 0;
  return { app, worker, method, host, path: target, queueMs, status, cause, detail, endedBy };
}

export function recordExchange(edge: Edge, record: ExchangeRecord): void {
  const { cause, detail } = record;
  if (cause !== undefined) {
    const { app, worker, method, host, path, status, requestId } = record;
    const facts = { app, worker, method, host, path: path.slice(0, 200), status, cause, requestId, detail };
    edge.faultLog.write(judgeFailure(cause).level, facts, 'request failed');
  }
  if (!edge.settings.accessLog) return;
  const endedBy = record.endedBy ?? (cause === undefined ? undefined : judgeFailure(cause).blame);
  edge.accessLog.write({
    app: record.app ?? null,
    worker: record.worker ?? null,
    method: record.method,
    host: record.host,
    path: record.path,
    status: record.status,
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    durationMs: roundMs(edge.transport.nowMs() - record.startedMs),
    queueMs: roundMs(record.queueMs),
    client: record.client,
    requestId: record.requestId,
    ...(cause === undefined ? {} : { cause }),
    ...(endedBy === undefined ? {} : { endedBy }),
  });
}

function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}
