// What is written down about an exchange when it ends: its line in the access log and, where it failed, a line in the
// router's own log.
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { RequestHead } from '../http1/message.ts';
import type { AccessEntry } from './access-line.ts';
import type { Assignment } from './assignment.ts';
import type { Edge } from './edge.ts';

export interface ExchangeRecord extends AccessEntry {
  /** Why it did not end with a worker's whole answer. */
  readonly cause: FailureCause | undefined;
  /** The particular fault, for the router's log. */
  readonly detail: string;
  /** Who ended it, where that is not said by the cause. */
  readonly endedBy: string | undefined;
}

/** How an exchange ended. */
export type Outcome = Pick<ExchangeRecord, 'status'> & Partial<Pick<ExchangeRecord, 'cause' | 'detail' | 'endedBy'>>;

/** What an exchange knows of itself when it ends. */
type Known = Pick<ExchangeRecord, 'bytesIn' | 'bytesOut' | 'durationMs' | 'client' | 'requestId'>;

/** One object, of one shape: one that is put together by spreading others costs 5 µs (Node 20). */
export function describeExchange(
  { method, host, target }: RequestHead,
  assignment: Assignment | undefined,
  { status, cause, detail = '', endedBy }: Outcome,
  { bytesIn, bytesOut, durationMs, client, requestId }: Known,
): ExchangeRecord {
  return {
    app: assignment?.pool.name,
    worker: assignment?.target?.key,
    method,
    host,
    path: target,
    status,
    bytesIn,
    bytesOut,
    durationMs,
    queueMs: assignment?.waitedMs ?? 0,
    client,
    requestId,
    cause,
    endedBy,
    detail,
  };
}

export function recordExchange({ settings, accessLog, faultLog }: Edge, record: ExchangeRecord): void {
  const { cause } = record;
  if (cause === undefined) {
    if (settings.accessLog) accessLog.write(record);
    return;
  }
  const { level, blame } = judgeFailure(cause);
  const { app, worker, method, host, path, status, requestId, detail } = record;
  const facts = { app, worker, method, host, path: path.slice(0, 200), status, cause, requestId, detail };
  faultLog.write(level, facts, 'request failed');
  if (settings.accessLog) accessLog.write({ ...record, endedBy: record.endedBy ?? blame });
}
