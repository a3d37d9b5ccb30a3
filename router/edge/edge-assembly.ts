// Puts together what the connections of one router share, and tells its parts of one another. It decides nothing, and is
// done once, when the router starts.
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { native } from '../../native/index.ts';
import { Apps } from '../core/apps.ts';
import { idleMsLeft } from '../core/handoff.ts';
import { RequestIds } from '../core/request-ids.ts';
import { HeadWriter } from '../http1/head-writer.ts';
import type { ByteStream, Transport } from '../transports/transport.ts';
import { AccessLog } from './access-log.ts';
import { AnswerReading } from './answer-reading.ts';
import type { Edge } from './edge.ts';
import { Farewells } from './farewells.ts';
import { FaultLog } from './fault-log.ts';
import { Handoff, type HandoffEvents } from './handoff/handoff.ts';
import { answerLost, recordReport } from './handoff/ledger.ts';
import type { WorkerChannel } from './handoff/worker-channel.ts';
import { HttpDates } from './http-dates.ts';
import { idleDueMs, IdleLine } from './idle-line.ts';
import { Prober } from './prober.ts';
import { QueueSweep } from './queue-sweep.ts';
import { RequestReading } from './request-reading.ts';
import { initialSettings, type Settings } from './settings.ts';
import { SpareReadings } from './spare-readings.ts';
import { UpstreamPool } from './upstream-pool.ts';

export interface EdgeOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Eight hexadecimal digits that no other router has: the first part of request ids. */
  readonly idPrefix: string;
  /** 0 … 1; spreads the ends of what never ends by itself, and clients over the sides of a rollout. */
  readonly random: () => number;
  /** Targets that are out of the table became free. */
  onBusyChange(): void;
}

/** Takes a stream on which requests come through a worker who is not to answer them. */
export type StrayTaker = (channel: WorkerChannel, stream: ByteStream) => void;

export function assembleEdge(options: EdgeOptions, onStray: StrayTaker): Edge {
  const { transport, clock, log, idPrefix, random } = options;
  const upstreams = new UpstreamPool();
  const farewells = new Farewells({ transport, random });
  const prober = new Prober({
    transport,
    log,
    onEjected: (target) => {
      upstreams.closeIdle(target);
    },
  });
  const apps = new Apps({
    onBusyChange: () => {
      options.onBusyChange();
    },
    onUnlisted: (target) => {
      upstreams.closeIdle(target);
      farewells.onUnlisted(target);
      prober.forget(target);
    },
  });
  const idleLine = (timeoutMs: (settings: Settings) => number): IdleLine =>
    new IdleLine(transport, (sinceMs) => idleDueMs(sinceMs, timeoutMs(edge.settings), edge.retirement));
  const edge: Edge = {
    transport,
    apps,
    upstreams,
    requestReadings: new SpareReadings(
      (limits) => new RequestReading(edge, limits),
      () => edge.settings.requestLimits,
    ),
    answerReadings: new SpareReadings(
      (limits) => new AnswerReading(limits),
      () => edge.settings.responseLimits,
    ),
    newcomers: idleLine((settings) => settings.headerTimeoutMs),
    idlers: idleLine((settings) => settings.idleTimeoutMs),
    returners: idleLine((settings) => idleMsLeft(settings.idleTimeoutMs)),
    handoff: createHandoff(options, { apps, edge: () => edge, onStray }),
    prober,
    writer: new HeadWriter(transport.headSpace),
    accessLog: new AccessLog(transport, clock),
    faultLog: new FaultLog(log, clock),
    farewells,
    requestIds: new RequestIds(idPrefix),
    dates: new HttpDates(clock),
    random,
    queueSweep: new QueueSweep(transport, apps),
    settings: initialSettings,
    retirement: undefined,
    requests: 0,
  };
  return edge;
}

interface HandoffPeers {
  readonly apps: Apps;
  /** To be called when something happens, not before. */
  readonly edge: () => Edge;
  readonly onStray: StrayTaker;
}

/** Undefined where the system cannot. */
function createHandoff(options: EdgeOptions, { apps, edge, onStray }: HandoffPeers): Handoff | undefined {
  const { transport, log, idPrefix } = options;
  const { addon } = native;
  if (addon === undefined) return undefined;
  const events: HandoffEvents = {
    onReport: (channel, report) => {
      recordReport(edge(), channel, report);
    },
    onStray,
    onLost: (away, unanswered) => {
      answerLost(edge(), away, unanswered);
    },
    onNonsense: ({ target }, problem) => {
      edge().faultLog.write('warn', { worker: target.key, problem }, 'dropped a message of a worker');
    },
  };
  return new Handoff({ addon, transport, apps, log, idPrefix, events });
}
