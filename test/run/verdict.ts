// PURE. What the output and the end of a test file say about it.

export interface Counts {
  readonly tests: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Ending {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** It was ended because it took too long. */
  readonly isOverdue: boolean;
  /** Its outputs ended with it: no process that it left behind has them. */
  readonly isSilent: boolean;
}

/** Counts of the summary that node:test's spec reporter prints last; undefined where there is none. */
export function countsOf(output: string): Counts | undefined {
  const count = (name: string): number | undefined => {
    const text = [...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].at(-1)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const tests = count('tests');
  const failed = count('fail');
  const cancelled = count('cancelled');
  const skipped = count('skipped');
  if (tests === undefined || failed === undefined || cancelled === undefined || skipped === undefined) return undefined;
  return { tests, failed: failed + cancelled, skipped };
}

/** Why a command failed, in words; undefined where it passed. */
export function faultOf({ code, signal, isOverdue, isSilent }: Ending): string | undefined {
  if (isOverdue) return 'it took too long';
  if (signal !== null) return `it was ended by ${signal}`;
  if (code !== 0) return `it ended with code ${String(code)}`;
  return isSilent ? undefined : 'it left a process behind that has its outputs';
}

/** The same of a test file, which must also have come to its end: one that leaves in the middle ends with 0 too. */
export function testFaultOf(ending: Ending, counts: Counts | undefined): string | undefined {
  const fault = faultOf(ending);
  if (counts === undefined) return `${fault ?? 'it ended'} before its summary`;
  if (counts.failed > 0) return `${counts.failed} failed`;
  if (fault !== undefined) return fault;
  return counts.tests === 0 ? 'it has no test' : undefined;
}
