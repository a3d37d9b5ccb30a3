// The logger of all three programs: pino to standard error, JSON lines or, on a terminal, readable text.
// Children inherit descriptor 2, so their lines survive the emperor's death.
import { createRequire } from 'node:module';
import type { DestinationStream, Logger } from 'pino';

export type { Logger } from 'pino';

const require = createRequire(import.meta.url);

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
}

/** Creates a program's logger; `name` is the program (`emperor`, `router`, `vassal`). */
export function createLogger(name: string, options: LogOptions): Logger {
  // Loaded here only: a vassal reads its options from this file and does without it (17 ms of every deploy, Node 20).
  const { pino } = require('pino') as typeof import('pino');
  return pino({ name, level: options.level }, destination(options.format, pino));
}

function destination(format: LogOptions['format'], pino: typeof import('pino').pino): DestinationStream {
  // Synchronous writes: log lines are rare (the access log has its own stream) and must survive a crash.
  const stream = pino.destination({ fd: 2, sync: true });
  // A full disk, or a terminal that was closed, costs log lines; unheard, the event would end the program.
  stream.on('error', () => undefined);
  if (format === 'json') return stream;
  // Loaded only where it is used: it costs every start of every child 70 ms (Node 20).
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pretty({ destination: stream, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
}

/** The environment variable by which a parent passes LogOptions to its children: `info:json`. */
export const logVariable = 'EMPEROR_LOG';

export function formatLogOptions(options: LogOptions): string {
  return `${options.level}:${options.format}`;
}

/** Reads what formatLogOptions wrote; anything else yields `info:json`. */
export function parseLogOptions(text: string | undefined): LogOptions {
  const [level, format] = (text ?? '').split(':');
  return {
    level: logLevels.find((known) => known === level) ?? 'info',
    format: format === 'pretty' ? 'pretty' : 'json',
  };
}
