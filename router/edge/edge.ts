// What every connection of one router process shares. Nothing here knows a single exchange.
import type { Apps } from '../core/apps.ts';
import type { RequestIds } from '../core/request-ids.ts';
import type { HeadWriter } from '../http1/head-writer.ts';
import type { Transport } from '../transports/transport.ts';
import type { AccessLog } from './access-log.ts';
import type { AnswerReader, AnswerReading } from './answer-reading.ts';
import type { Farewells } from './farewells.ts';
import type { FaultLog } from './fault-log.ts';
import type { Handoff } from './handoff/handoff.ts';
import type { HttpDates } from './http-dates.ts';
import type { IdleLine } from './idle-line.ts';
import type { Prober } from './prober.ts';
import type { RequestReader, RequestReading } from './request-reading.ts';
import type { Settings } from './settings.ts';
import type { SpareReadings } from './spare-readings.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** What a router that ends still grants. */
export interface Retirement {
  readonly sinceMs: number;
  /** A connection between requests may stay so long for a last one; */
  readonly idleMs: number;
  /** but none longer than until then. */
  readonly untilMs: number;
}

export interface Edge {
  readonly transport: Transport;
  readonly apps: Apps;
  readonly upstreams: UpstreamPool;
  readonly requestReadings: SpareReadings<RequestReader, RequestReading>;
  readonly answerReadings: SpareReadings<AnswerReader, AnswerReading>;
  /** Client connections on which no request came yet, those between two, and those that idled at a worker before. */
  readonly newcomers: IdleLine;
  readonly idlers: IdleLine;
  readonly returners: IdleLine;
  readonly prober: Prober;
  /** One for all: a head is written and handed to a stream in one step. */
  readonly writer: HeadWriter;
  readonly accessLog: AccessLog;
  readonly faultLog: FaultLog;
  readonly farewells: Farewells;
  /** Undefined where the system cannot. */
  readonly handoff: Handoff | undefined;
  readonly requestIds: RequestIds;
  readonly dates: HttpDates;
  /** 0 … 1 */
  readonly random: () => number;
  /** Must be armed whenever a request waits for a worker: it refuses those that waited too long. */
  readonly queueSweep: { arm(): void };
  /** Replaced when the emperor sends other values; a request keeps the head limits it began with. */
  settings: Settings;
  /** Set once the router ends: answers bear `Connection: close` from then on. */
  retirement: Retirement | undefined;
  /** Requests since the router started, refused ones included. */
  requests: number;
}
