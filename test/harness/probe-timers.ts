// When the kernel will probe idle connections (SO_KEEPALIVE).
import { tcpSockets } from './tcp-table.ts';

const established = '01';
const keepAlive = '02';
/** USER_HZ, which is 100 wherever Linux runs. */
const ticksPerSecond = 100;

/** Of each connection to the local port that will be probed: in how many seconds. */
export function probeTimers(port: number): number[] {
  return tcpSockets()
    .filter(({ localPort, state }) => localPort === port && state === established)
    .map(({ timer }) => timer.split(':'))
    .filter(([kind]) => kind === keepAlive)
    .map(([, ticks = '']) => Number.parseInt(ticks, 16) / ticksPerSecond);
}
