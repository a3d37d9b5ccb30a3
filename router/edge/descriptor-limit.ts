// How many descriptors this process may have open. Where accept fails for want of one, libuv takes the connection
// and drops it without a word, so the router must never come that far.
import { readFileSync } from 'node:fs';

/** For listeners, logs, the control socket and what Node itself keeps open. */
const reservedDescriptors = 64;

/** The most client connections there is room for, each with one to a worker; undefined where it cannot be told. */
export function mostConnections(): number | undefined {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return match === null ? undefined : Math.max(1, Math.floor((Number(match[1]) - reservedDescriptors) / 2));
  } catch {
    // Not Linux.
    return undefined;
  }
}
