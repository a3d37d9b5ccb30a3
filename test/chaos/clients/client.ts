// What all kinds of clients have in common: where they ask, what they write down, and how they end.
import { Connection } from '../connection.ts';
import type { Pace } from '../pace.ts';
import type { Random } from '../random.ts';
import type { Recorder } from '../record.ts';

export interface ClientOptions {
  readonly port: number;
  readonly app: string;
  readonly recorder: Recorder;
  readonly random: Random;
  /** Goes on until the load is over. */
  readonly pace: Pace;
  /** Every connection is entered here, so that one that is never answered can be closed in the end. */
  readonly opened: Set<Connection>;
}

/** Asks until the pace is over; resolves when its last request was answered and its connections are closed. */
export type RunClient = (options: ClientOptions) => Promise<void>;

export function open({ recorder, port, app, opened }: ClientOptions): Connection {
  const connection = new Connection(recorder, port, app);
  opened.add(connection);
  void connection.closed.then(() => opened.delete(connection));
  return connection;
}

/**
 * Begins something at random moments, `perSecond` times a second, whether or not what it began before has ended: a
 * server that is slow is not asked less.
 */
export async function openLoop(
  { pace, random }: ClientOptions,
  perSecond: number,
  begin: () => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  while (!pace.isOver) {
    await pace.pause(random.waitMs(1000 / perSecond));
    const one = begin().finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
}

/** Does one thing after another until the load is over. */
export async function oneByOne({ pace }: ClientOptions, act: () => Promise<void>): Promise<void> {
  while (!pace.isOver) await act();
}

/** `connection`, where a request can be sent on it; else a new one in its place. */
export function usable(connection: Connection | undefined, options: ClientOptions): Connection {
  if (connection?.isUsable === true && !connection.record.wasToldToClose) return connection;
  return open(options);
}
