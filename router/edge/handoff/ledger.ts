// What requests on handed-over connections add to the router's counters and logs: the same as those that it carries.
import type { HandoffLogEntry, HandoffReport } from '../../../lib/handoff.ts';
import { judgeFailure } from '../../core/triage.ts';
import type { Edge } from '../edge.ts';
import { recordExchange } from '../exchange-record.ts';
import type { AwayConnection } from './away-connection.ts';
import type { WorkerChannel } from './worker-channel.ts';

export function recordReport(edge: Edge, { pool, target }: WorkerChannel, { requests, log }: HandoffReport): void {
  edge.requests += requests;
  pool.requests += requests;
  target.requests += requests;
  if (!edge.settings.accessLog) return;
  for (const { isCut, client, requestId, ...request } of log) {
    const known = { app: pool.name, worker: target.key, ...request, queueMs: 0, client, requestId };
    edge.accessLog.write({ ...known, ...causeOf(isCut) });
  }
}

function causeOf(isCut: HandoffLogEntry['isCut']): { cause: string; endedBy: string } | undefined {
  return isCut ? { cause: 'client-gone', endedBy: judgeFailure('client-gone').blame } : undefined;
}

/** The worker died while it had a request of the connection; what that was died with it. */
export function recordLost(edge: Edge, { client, channel, addressee }: AwayConnection): void {
  const { pool, target } = channel;
  edge.requests++;
  pool.requests++;
  target.requests++;
  recordExchange(edge, {
    app: pool.name,
    worker: target.key,
    method: '',
    host: addressee.host,
    path: '',
    status: judgeFailure('worker-closed').status,
    bytesIn: 0,
    bytesOut: 0,
    startedMs: edge.transport.nowMs(),
    queueMs: 0,
    client: client.address,
    requestId: edge.requestIds.next(),
    cause: 'worker-closed',
    detail: 'its connection had been handed over',
  });
}
