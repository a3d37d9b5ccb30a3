// Finds a TCP port of the loopback address that nobody uses now. Somebody may take it before the worker binds it;
// the primary then tries another.
import { createServer } from 'node:net';

/** Below Linux's range of ephemeral ports (32768 …), so that no outgoing connection happens to sit on it. */
const lowest = 20_000;
const highest = 32_767;
const attempts = 50;

/** A random free port; undefined where none of many was free. `random` yields numbers from 0 up to but not 1. */
export async function findFreePort(random: () => number): Promise<number | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = lowest + Math.floor(random() * (highest - lowest + 1));
    if (await isFree(port)) return port;
  }
  return undefined;
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
