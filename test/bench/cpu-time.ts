// CPU time and memory of processes from /proc: steadier on a noisy machine than any rate.
import { readFileSync } from 'node:fs';

/** The kernel's clock tick, USER_HZ: 10 ms on every Linux that Node runs on. */
const tickMs = 10;

/** User and system time of the processes so far, with all threads and with children that ended, in milliseconds. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + ticksOf(pid) * tickMs, 0);
}

/** Proportional set size of one process in bytes: what it costs, shared pages divided among their users. */
export function pssBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((total, ticks) => total + Number(ticks), 0);
}
