// When the kernel will probe idle connections (SO_KEEPALIVE), by /proc/net/tcp.
import { readFileSync } from 'node:fs';

/** The kind of timer that says so (`tr` in /proc/net/tcp). */
const keepAlive = '02';
/** USER_HZ, which is 100 wherever Linux runs. */
const ticksPerSecond = 100;

/** Of each connection to the local port that will be probed: in how many seconds. */
export function probeTimers(port: number): number[] {
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state, , timer = ''] = line.trim().split(/\s+/);
    const [kind, ticks = ''] = timer.split(':');
    const isOurs = Number.parseInt(local.slice(local.indexOf(':') + 1), 16) === port && state === '01';
    return isOurs && kind === keepAlive ? [Number.parseInt(ticks, 16) / ticksPerSecond] : [];
  });
}
