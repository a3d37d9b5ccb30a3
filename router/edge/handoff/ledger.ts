// What requests on handed-over connections add to the router's counters and logs: the same as those that it carries.
import type { HandoffLogEntry, HandoffReport } from '../../../lib/handoff.ts';
import { judgeFailure } from '../../core/triage.ts';
import type { AccessEntry } from '../access-line.ts';
import type { Edge } from '../edge.ts';
import { recordExchange } from '../exchange-record.ts';
import { writeOwnPage } from '../own-answer.ts';
import type { AwayConnection } from './away-connection.ts';
import type { Unanswered } from './handoff.ts';
import type { WorkerChannel } from './worker-channel.ts';

export function recordReport(edge: Edge, { pool, target }: WorkerChannel, { requests, log }: HandoffReport): void {
  edge.requests += requests;
  pool.requests += requests;
  target.requests += requests;
  if (!edge.settings.accessLog) return;
  for (const entry of log) edge.accessLog.write(accessEntryOf(entry, pool.name, target.key));
}

function accessEntryOf(entry: HandoffLogEntry, app: string, worker: string): AccessEntry {
  const { method, host, path, status, bytesIn, bytesOut, durationMs, client, requestId } = entry;
  const cause = entry.isCut ? 'client-gone' : undefined;
  const endedBy = cause && judgeFailure(cause).blame;
  return {
    app,
    worker,
    method,
    host,
    path,
    status,
    bytesIn,
    bytesOut,
    durationMs,
    queueMs: 0,
    client,
    requestId,
    cause,
    endedBy,
  };
}

/**
 * The worker died while it had a request of the connection; what that was died with it. The client is answered where it
 * can be, and its connection must end after that.
 */
export function answerLost(edge: Edge, away: AwayConnection, unanswered: Unanswered | undefined): void {
  const { client, channel, addressee } = away;
  const { pool, target } = channel;
  const requestId = edge.requestIds.next().text;
  const { status, message } = judgeFailure('worker-closed');
  const generation = edge.settings.generationHeader ? target.instance : undefined;
  const page = { cause: 'worker-closed', status, message, requestId, generation } as const;
  const rules = { accept: undefined, isHead: unanswered?.isHead === true, connection: 'close' } as const;
  const bytesOut = unanswered === undefined ? 0 : writeOwnPage(edge, unanswered.stream, page, rules);
  edge.requests++;
  pool.requests++;
  target.requests++;
  recordExchange(edge, {
    app: pool.name,
    worker: target.key,
    method: '',
    host: addressee.host,
    path: '',
    status,
    bytesIn: 0,
    bytesOut,
    durationMs: 0,
    queueMs: 0,
    client: client.address,
    requestId,
    cause: 'worker-closed',
    endedBy: undefined,
    detail: 'its connection had been handed over',
  });
}
