// Ports that a test can name before anybody listens on them, for what cannot be told to take any port and say which.
import { createServer } from 'node:net';

/**
 * Below those that Linux draws from for port 0 and for outgoing connections: whatever runs at the same time is never
 * given one of these by chance.
 */
const first = 20_000;
const count = 12_000;
/** Processes that were started one after the other begin far from each other. */
const stride = 211;

let next = (process.pid * stride) % count;

/** So many ports of 127.0.0.1 on which nobody listens. The process does not get any of them again. */
export async function freePorts(wanted: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < wanted; tries++) {
    if (tries === count) throw new Error(`no ${wanted} free ports from ${first} on`);
    const port = first + next;
    next = (next + 1) % count;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
