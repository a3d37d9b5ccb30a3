// What the kernel tells about other processes through /proc. Everything may be missing (another system, a process
// that just ended), so every reader returns undefined rather than throwing.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** True while the process exists and is no zombie; where there is no /proc, while a signal could reach it. */
export function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  if (stat !== undefined) return stat.state !== 'Z' && stat.state !== 'X';
  if (hasProc()) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When the process started, in clock ticks since boot: tells a process from a later one with the same pid. */
export function startTime(pid: number): string | undefined {
  return readStat(pid)?.startTime;
}

/** The command line, its arguments separated by spaces. */
export function commandLine(pid: number): string | undefined {
  return read(`/proc/${pid}/cmdline`)?.split('\0').join(' ').trim();
}

/** A variable of the environment that the process was started with; undefined for other users' processes. */
export function environmentVariable(pid: number, name: string): string | undefined {
  const environment = read(`/proc/${pid}/environ`);
  if (environment === undefined) return undefined;
  const start = environment.startsWith(`${name}=`) ? 0 : environment.indexOf(`\0${name}=`) + 1;
  if (start === 0 && !environment.startsWith(`${name}=`)) return undefined;
  const end = environment.indexOf('\0', start);
  return environment.slice(start + name.length + 1, end === -1 ? undefined : end);
}

/** Living children of this process, and those that ended and were not reaped. */
export function ownChildren(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').flatMap((thread) =>
      (read(`/proc/self/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Pids of all processes; empty where there is no /proc. */
export function allPids(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}

/** What each descriptor of the process is (`socket:[12345]`, a path, …). */
export function descriptorLinks(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Resident bytes. */
export function residentBytes(pid: number): number | undefined {
  const pages = read(`/proc/${pid}/statm`)?.split(' ')[1];
  return pages === undefined ? undefined : Number(pages) * pageBytes;
}

/** Proportional set size in bytes: shared pages are counted by share. Reading it walks the page tables. */
export function proportionalBytes(pid: number): number | undefined {
  const match = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
}

const pageBytes = 4096;

function hasProc(): boolean {
  return read('/proc/self/stat') !== undefined;
}

function readStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command's name, in parentheses, may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', startTime: fields[19] ?? '' };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
