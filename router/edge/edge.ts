// What every connection of one router process shares. Nothing here knows a single exchange.
import type { Apps } from '../core/apps.ts';
import type { RequestIds } from '../core/request-ids.ts';
import type { HeadWriter } from '../http1/head-writer.ts';
import type { Transport } from '../transports/transport.ts';
import type { AccessLog } from './access-log.ts';
import type { FaultLog } from './fault-log.ts';
import type { HttpDates } from './http-dates.ts';
import type { Settings } from './settings.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export interface Edge {
  readonly transport: Transport;
  readonly apps: Apps;
  readonly upstreams: UpstreamPool;
  /** One for all: a head is written and handed to a stream in one step. */
  readonly writer: HeadWriter;
  readonly accessLog: AccessLog;
  readonly faultLog: FaultLog;
  readonly requestIds: RequestIds;
  readonly dates: HttpDates;
  /** Must be armed whenever a request waits for a worker: it refuses those that waited too long. */
  readonly queueSweep: { arm(): void };
  /** Replaced when the emperor sends other values; a connection keeps the head limits it began with. */
  settings: Settings;
  /** Answers bear `Connection: close` from now on. */
  isShuttingDown: boolean;
  /** Requests since the router started, refused ones included. */
  requests: number;
}
