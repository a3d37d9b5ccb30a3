// What a process holds at a moment, by /proc.
import { readdirSync, readlinkSync } from 'node:fs';
import { pssBytes } from '../bench/cpu-time.ts';
import { residentBytes } from '../harness/processes.ts';

export interface Usage {
  /** Open descriptors by what they lead to: `socket`, `pipe`, `anon_inode:[eventpoll]`, a path. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Bytes. */
  readonly rss: number;
  readonly pss: number;
}

export function usageOf(pid: number): Usage {
  return { descriptors: descriptorsOf(pid), rss: residentBytes(pid), pss: pssBytes(pid) };
}

export function countOf({ descriptors }: Usage): number {
  return Object.values(descriptors).reduce((sum, count) => sum + count, 0);
}

function descriptorsOf(pid: number): Record<string, number> {
  const found: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${fd}`);
    if (kind !== undefined) found[kind] = (found[kind] ?? 0) + 1;
  }
  return found;
}

/** Undefined where it was closed between the two looks. */
function kindOf(path: string): string | undefined {
  try {
    return readlinkSync(path).replace(/:\[\d+\]$/, '');
  } catch {
    return undefined;
  }
}
