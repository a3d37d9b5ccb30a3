// A connection that idles nearly all the time, watched for FIN and RST, and now and then sends one request.
import type { Connection } from '../connection.ts';
import { oneByOne, usable, type RunClient } from './client.ts';

export const idle: RunClient = async (options) => {
  const { random, pace } = options;
  let connection: Connection | undefined;
  await oneByOne(options, async () => {
    connection = usable(connection, options);
    await connection.request({ kind: 'idle', path: '/' }).ended;
    await pace.pause(random.integer(500, 8000));
  });
  connection?.close();
};
