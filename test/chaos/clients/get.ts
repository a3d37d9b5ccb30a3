// GETs at random moments: on kept-alive connections that are taken in turn, and each on a connection of its own.
import type { Connection } from '../connection.ts';
import { open, openLoop, usable, type RunClient } from './client.ts';

export const getOnKeptConnections: RunClient = async (options) => {
  const idle: Connection[] = [];
  await openLoop(options, 20, async () => {
    const connection = usable(idle.shift(), options);
    await connection.request({ kind: 'get', path: '/' }).ended;
    idle.push(connection);
  });
  for (const connection of idle) connection.close();
};

export const getOnNewConnections: RunClient = async (options) => {
  await openLoop(options, 8, async () => {
    const connection = open(options);
    const fields = options.random.chance(0.5) ? ['Connection: close'] : [];
    await connection.request({ kind: 'get-new', path: '/', fields }).ended;
    connection.close();
  });
};
